"""`farm inspect`."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, Sequence, Tuple

import click

from farm.protocol.codec import to_json
from farm.protocol.engine import EngineManifest
from farm.protocol.exits import Exit
from farm.runtime.layerfile import LAYERS_FILE, Layer, read_layers

from ..console import emit_fields, emit_json, emit_table, out
from ..context import Connection
from ..engine_text import LAYER_COLUMNS, LAYERS, layer_rows, layers_of, manifest_fields
from ..format import CellLike, size
from ..options import json_option, option, verb
from ..transfers import transfers

_OPERATORS = 12
_STORED = "eng-"
_Layers = Tuple[str, Tuple[Layer, ...]]


@verb()
@click.argument("path", metavar="ENGINE|ENGINE_DIR|MODEL.onnx", type=click.Path())
@option("--layers", type=click.IntRange(0), default=LAYERS, show_default=True, help="So many of the slowest layers.")
@json_option
@click.pass_obj
def inspect(connection: Connection, path: str, layers: int, as_json: bool) -> int:
    """Show what an engine or an ONNX file holds, and the slowest layers of an engine; nothing is loaded or run.

    An engine is a stored one by its id, or the folder of a fetched one.
    """
    from farm.runtime.bundle import read_manifest

    if Path(path).is_dir():
        _engine(read_manifest(Path(path)), read_layers(Path(path)), layers, as_json)
    elif path.startswith(_STORED) and not Path(path).exists():
        _engine(*_stored(connection, path), layers, as_json)
    else:
        _model(Path(path), as_json)
    return Exit.DONE


def _stored(connection: Connection, engine: str) -> Tuple[EngineManifest, _Layers]:
    """The manifest of a stored engine with its newest reports, and its layers."""
    with connection.client() as client:
        detail = client.engines.show(engine)
        manifest = detail.manifest
        files = [item for item in manifest.files if item.name == LAYERS_FILE]
        with tempfile.TemporaryDirectory() as folder:
            for item in files:
                client.download_blob(item.sha256, Path(folder) / LAYERS_FILE, item.size_bytes)
            return manifest, read_layers(Path(folder))


def _engine(manifest: EngineManifest, known: _Layers, most: int, as_json: bool) -> None:
    source, layers = known
    measured = layers_of(manifest.benchmark)
    # The file knows more of each layer, but times only from a build that was measured at once.
    from_file = not measured or any("mean_ms" in layer for layer in layers)
    shown: Sequence[Mapping[str, Any]] = layers if from_file else measured
    if as_json:
        emit_json(
            {
                **to_json(manifest),
                "layers": [_told(layer) for layer in shown[:most]],
                "layers_from": source if from_file else "",
            }
        )
        return
    # The fields above tell of the timing cache, in words.
    recipe = [(name, value) for name, value in manifest.effective.items() if name != "timing_cache"]
    made: List[Tuple[str, CellLike]] = [(f"  {name}", str(value)) for name, value in recipe]
    emit_fields([*manifest_fields(manifest), *([("recipe", "what really happened:"), *made] if made else [])])
    rows = layer_rows(shown, most)
    if rows:
        out()
        emit_table(LAYER_COLUMNS, rows)
        if from_file and source:
            out(f"of {len(layers):,} layers; from {source}")


def _told(layer: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: layer.get(name) for name in ("name", "operator", "types", "tactic", "mean_ms", "share")}


def _model(path: Path, as_json: bool) -> None:
    from farm.client import read_model
    from farm.onnxsummary import summary

    found = summary(path)
    with transfers() as progress:
        digest = read_model(path, "model", progress).manifest.digest
    if as_json:
        emit_json({"model": digest, "summary": found})
        return
    external = sum(found.external.values())
    beside = f" and {size(external)} in {', '.join(found.external)}" if found.external else ""
    operators = list(found.operators.items())
    shown = ", ".join(f"{name} {count}" for name, count in operators[:_OPERATORS])
    more = f" and {len(operators) - _OPERATORS} more" if len(operators) > _OPERATORS else ""
    emit_fields(
        [
            ("model", digest),
            ("file", f"{size(found.size_bytes)}{beside}"),
            ("format", f"ONNX IR {found.ir_version}"),
            ("producer", found.producer),
            ("opsets", ", ".join(f"{name} {version}" for name, version in found.opsets.items())),
            ("inputs", "\n".join(str(item) for item in found.inputs)),
            ("outputs", "\n".join(str(item) for item in found.outputs)),
            ("nodes", f"{sum(found.operators.values()):,}"),
            ("operators", shown + more),
            ("parameters", f"{found.parameters:,}"),
        ]
    )
