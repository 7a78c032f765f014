"""`farm export`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, Optional

import click

from farm.protocol.errors import Invalid, Unsupported

_OLDEST_PYTHON = (3, 11)


@click.command()
@click.argument("name", required=False)
@click.option("--list", "listed", is_flag=True, help="List the exporters.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The ONNX file; by default NAME.onnx.")
@click.option("--HW", "size", nargs=2, type=int, metavar="H W", help="Height and width of the images in pixels.")
@click.option("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Images at once.")
@click.option("--dynamic", is_flag=True, help="Leave the batch open, and height and width where the network can.")
@click.option("--weights", type=click.Path(path_type=Path), metavar="FILE", help="Weights; by default they are drawn.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of drawn weights and images.")
@click.option("--check/--no-check", default=True, help="Hold the file against PyTorch; the default.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def export(
    name: Optional[str],
    listed: bool,
    output: Optional[Path],
    as_json: bool,
    **given: Any,
) -> None:
    r"""Write a network of PyTorch as an ONNX file, on a machine where PyTorch is installed.

    Drawn weights make a network as fast as trained ones do, and its answers worthless; the file tells which it has.

    \b
      farm export detr-r50 --HW 256 320 -o detr.onnx
    """
    if sys.version_info < _OLDEST_PYTHON:
        raise Unsupported("exporting needs Python 3.11", "Export on a host; a device takes the ONNX file from there.")
    from farm.cli.console import emit_json, out

    from .host.exporters.table import EXPORTERS

    if listed:
        names = sorted(EXPORTERS)
        emit_json(names) if as_json else out("\n".join(names))
        return
    if name is None:
        raise Invalid("no exporter is named", "Type farm export NAME, or --list.")
    told = _exported(name, output or Path(f"{name}.onnx"), given)
    emit_json(told) if as_json else out(_sentence(told))


def _exported(name: str, output: Path, given: Dict[str, Any]) -> Dict[str, Any]:
    from .host.exporters.base import ExportOrder, Size, check_order
    from .host.exporters.table import exporter

    size = given.pop("size")
    order = ExportOrder(size=Size(*size) if size else None, **given)
    made = exporter(name)
    check_order(name, made, order)
    if not output.absolute().parent.is_dir():
        raise Invalid(f"the folder of {output} does not exist", "Make it, or give another --output.")
    return {**asdict(made.export(output, order)), "path": str(output)}


def _sentence(told: Dict[str, Any]) -> str:
    largest = told["largest_difference"]
    checked = "not checked" if largest is None else f"within {largest:.1g} of PyTorch"
    return f"wrote {told['path']}: weights {told['weights']}, {checked}"
