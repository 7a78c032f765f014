"""`farm inspect`."""

from __future__ import annotations

from pathlib import Path
from typing import List, Tuple

import click

from farm.protocol.exits import Exit

from ..console import emit_fields, emit_json, emit_table, out
from ..engine_text import LAYER_COLUMNS, layer_rows, manifest_fields
from ..format import CellLike, size
from ..options import json_option, verb
from ..transfers import transfers

_OPERATORS = 12


@verb()
@click.argument("path", metavar="ENGINE_DIR|MODEL.onnx", type=click.Path())
@json_option
def inspect(path: str, as_json: bool) -> int:
    """Show what a fetched engine or an ONNX file holds; nothing is loaded or run."""
    if Path(path).is_dir():
        _engine(Path(path), as_json)
    else:
        _model(Path(path), as_json)
    return Exit.DONE


def _engine(folder: Path, as_json: bool) -> None:
    from farm.runtime.bundle import read_manifest

    manifest = read_manifest(folder)
    if as_json:
        emit_json(manifest)
        return
    made: List[Tuple[str, CellLike]] = [(f"  {name}", str(value)) for name, value in manifest.effective.items()]
    emit_fields([*manifest_fields(manifest), *([("recipe", "what really happened:"), *made] if made else [])])
    layers = layer_rows(manifest.benchmark)
    if layers:
        out()
        emit_table(LAYER_COLUMNS, layers)


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
