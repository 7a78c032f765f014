"""An engine in words, for `engines show` and `inspect`."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional, Sequence, Tuple

from farm.protocol.engine import EngineManifest, TensorSpec
from farm.protocol.report import BenchmarkReport, VerificationReport
from farm.protocol.shapes import format_shape

from .console import columns
from .format import WARN, Cell, CellLike, age, dim, error, ms, rate, short, size, word
from .timing_text import timing_text

VERIFICATION_COLUMNS = columns("output~, verdict, max error>, mean>, cosine, reason~")
LAYER_COLUMNS = columns("slowest layers~, operator, mean>, share>")
# So many layers are shown where nobody asks for more.
LAYERS = 10


def manifest_fields(manifest: EngineManifest) -> List[Tuple[str, CellLike]]:
    """Names and values of everything a person wants to know first."""
    total = sum(item.size_bytes for item in manifest.files)
    return [
        ("model", f"{manifest.model_name} {short(manifest.model)}"),
        ("target", manifest.key.target.label()),
        ("precision", _precision(manifest)),
        ("key", manifest.key.digest),
        ("built", f"{age(manifest.built_at)} on {manifest.built_on}" if manifest.built_on else age(manifest.built_at)),
        ("files", f"{len(manifest.files)}, {size(total)}"),
        ("plugins", ", ".join(f"{name} {short(source)}" for name, source in sorted(manifest.key.plugins.items()))),
        ("inputs", ", ".join(tensor_text(item) for item in manifest.inputs)),
        ("outputs", ", ".join(tensor_text(item) for item in manifest.outputs)),
        ("pictures", f"{manifest.detection.answers}, {manifest.detection.fit}" if manifest.detection else ""),
        ("verified", verdict_text(manifest.verification)),
        ("latency", latency_text(manifest.benchmark)),
        ("timing cache", timing_text(manifest.effective)),
    ]


def tensor_text(tensor: TensorSpec) -> str:
    """Name, type and shape; `?` is an axis of any size."""
    return f"{tensor.name} {tensor.dtype} {format_shape(tensor.shape)}"


def verdict_text(report: Optional[VerificationReport]) -> CellLike:
    """The verdict, against what, and why."""
    if report is None:
        return dim("never")
    reason = f": {report.reason}" if report.reason else ""
    return Cell(f"{report.verdict} against {report.reference or 'nothing'}{reason}", word(report.verdict).style)


def latency_text(report: Optional[BenchmarkReport]) -> CellLike:
    """Percentiles and throughput with their spread, or why there are none."""
    if report is None:
        return dim("not measured")
    if report.latency is None:
        return Cell(report.reason or f"too noisy: cv {report.cv_percent:.1f} %", WARN)
    spread = f"cv {report.cv_percent:.1f} % of {report.iterations:,} runs"
    latency = report.latency
    return f"p50 {ms(latency.median_ms)}, p99 {ms(latency.p99_ms)}, {rate(report.throughput_per_s)}, {spread}"


def verification_rows(report: VerificationReport) -> List[Tuple[CellLike, ...]]:
    """A row for each output; see `VERIFICATION_COLUMNS`."""
    return [
        (
            item.name,
            word(item.verdict),
            error(item.absolute.maximum),
            error(item.absolute.mean),
            "-" if item.cosine is None else f"{item.cosine:.6f}",
            dim(item.reason),
        )
        for item in report.outputs
    ]


def layers_of(report: Optional[BenchmarkReport]) -> Sequence[Mapping[str, Any]]:
    """The slowest layers of a measurement; none where there is none."""
    return report.layers if report else ()


def layer_rows(layers: Sequence[Mapping[str, Any]], most: int = LAYERS) -> List[Tuple[CellLike, ...]]:
    """A row for each of the first layers, which are the slowest; see `LAYER_COLUMNS`."""
    return [
        (
            str(layer.get("name", "")),
            f"{layer.get('operator', '')} {layer.get('types', '')}".strip(),
            ms(_number(layer.get("mean_ms"))),
            f"{100 * (_number(layer.get('share')) or 0):.0f} %" if "share" in layer else "-",
        )
        for layer in layers[:most]
    ]


def _precision(manifest: EngineManifest) -> str:
    became = manifest.effective.get("precision")
    asked = str(manifest.key.options.precision)
    return f"{asked} ({became})" if became and became != asked else asked


def _number(value: object) -> Optional[float]:
    return float(value) if isinstance(value, (int, float)) else None
