"""int8: static quantization in Q/DQ form, with ranges measured on calibration samples."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from farm.protocol.errors import BuildFailed, Invalid, Unsupported
from farm.runtime.arrays import load_arrays
from farm.runtime.inputs import check_inputs

from .base import BuildOrder
from .onnxruntime_optimize import ONE_FILE_BYTES, operators

log = logging.getLogger(__name__)

QUANTIZED_FILE = "quantized.onnx"
# Without these a product of two bytes saturates 16 bits; weights then have to keep to 7 bits.
_VNNI = frozenset(("avx512_vnni", "avx_vnni", "amx_int8"))
# Quantization of weights along an axis came with this version of QuantizeLinear.
_PER_CHANNEL_OPSET = 13


def quantize(source: Path, order: BuildOrder, version: str) -> Tuple[Path, Dict[str, Any]]:
    """The quantized graph in the scratch folder, and what to tell about it.

    Raises:
        Unsupported: there are no calibration samples, or nothing in the graph can be quantized.
        Invalid: the samples do not fit the inputs.
        BuildFailed: onnxruntime's quantizer gave up.
    """
    if order.calibration is None:
        raise Unsupported(
            f"onnxruntime {version} cannot build --precision int8 without calibration data",
            "Give samples of real inputs with --calib FILE.npz.",
        )
    samples = Samples(order, order.calibration)
    settings = _settings(source, order)
    if order.options.backend_options.get("per_channel") and not settings.per_channel:
        raise Unsupported(
            f"onnxruntime {version} quantizes per channel from opset {_PER_CHANNEL_OPSET} on, the model is older",
            "Leave per_channel out, or export the model with a newer opset.",
        )
    log.info("calibrating with %d samples (%s)", samples.count, settings.method)
    target = order.scratch / QUANTIZED_FILE
    try:
        _quantize_static(source, target, samples, settings)
    except (MemoryError, Invalid):
        raise
    except Exception as error:  # the quantizer raises whatever its parts raise
        text = " ".join(str(error).split())[:600]
        raise BuildFailed(f"onnxruntime {version} cannot quantize this graph: {text}", "Build it as fp16.") from error
    quantized = _count(target)
    if not quantized:
        raise Unsupported(
            f"onnxruntime {version} finds nothing to quantize in this graph for --precision int8", "Build it as fp16."
        )
    return target, {
        "precision": "int8 static Q/DQ, float32 elsewhere",
        "quantized_tensors": quantized,
        "calibration_samples": samples.count,
        "calibration_method": settings.method,
        "per_channel": settings.per_channel,
        "weight_bits": 7 if settings.reduced else 8,
    }


@dataclass(frozen=True)
class _Settings:
    """How to quantize.

    Attributes:
        reduced: Weights keep to 7 bits.
        signed: Activations are signed bytes, as Arm processors multiply them fastest.
        beside: The result is too large for one file.
    """

    method: str
    per_channel: bool
    reduced: bool
    signed: bool
    beside: bool


def _settings(source: Path, order: BuildOrder) -> _Settings:
    options = order.options.backend_options
    arm = order.target.platform.endswith("aarch64")
    size = sum((order.model.parent / name).stat().st_size for name in order.files)
    return _Settings(
        method=options.get("calibration_method", "minmax"),
        per_channel=options.get("per_channel", True) and _opset(source) >= _PER_CHANNEL_OPSET,
        reduced=not arm and not _VNNI & set(order.target.instruction_sets),
        signed=arm,
        beside=size > ONE_FILE_BYTES,
    )


def _quantize_static(source: Path, target: Path, samples: Samples, settings: _Settings) -> None:
    from onnxruntime import quantization

    methods = {
        "minmax": quantization.CalibrationMethod.MinMax,
        "entropy": quantization.CalibrationMethod.Entropy,
        "percentile": quantization.CalibrationMethod.Percentile,
    }
    quantization.quantize_static(
        str(source),
        str(target),
        reader(samples),
        quant_format=quantization.QuantFormat.QDQ,
        per_channel=settings.per_channel,
        reduce_range=settings.reduced,
        activation_type=quantization.QuantType.QInt8 if settings.signed else quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
        calibrate_method=methods[settings.method],
        use_external_data_format=settings.beside,
    )


class Samples:
    """Calibration samples: each array of the file holds one value of an input for each sample.

    Raises: Invalid: an array lacks, fits no input, or holds another number of samples than the rest.
    """

    def __init__(self, order: BuildOrder, path: Path) -> None:
        self._arrays = load_arrays(path)
        self._order = order
        counts = {name: array.shape[0] if array.ndim else 0 for name, array in self._arrays.items()}
        if not counts or len(set(counts.values())) > 1 or min(counts.values()) == 0:
            told = ", ".join(f"{name}: {count}" for name, count in counts.items()) or "no arrays"
            raise Invalid(
                f"the calibration data does not hold the same samples of each input ({told})",
                "Stack the samples of each input along a new first axis.",
            )
        self.count: int = next(iter(counts.values()))
        self._check()

    def _check(self) -> None:
        try:
            for sample in self:
                check_inputs(sample, self._order.inputs, self._order.options.profiles)
        except Invalid as error:
            raise Invalid(f"calibration data: {error.message}", error.hint) from error

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for index in range(self.count):
            yield {name: array[index] for name, array in self._arrays.items()}


def reader(samples: Samples) -> Any:
    """The samples as the quantizer reads them: again from the start when it asks for the length or rewinds."""
    import numpy as np
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
        def __init__(self) -> None:
            self.rewind()

        def get_next(self) -> Optional[Dict[str, Any]]:
            sample = next(self._left, None)
            return None if sample is None else {name: np.asarray(array) for name, array in sample.items()}

        def rewind(self) -> None:
            self._left = iter(samples)

    return Reader()


def _opset(path: Path) -> int:
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    return max((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), default=0)


def _count(path: Path) -> int:
    import onnx

    graph = onnx.load(str(path), load_external_data=False).graph
    return sum(1 for node in operators(graph) if node.op_type == "QuantizeLinear")
