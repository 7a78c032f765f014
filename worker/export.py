"""`farm export`, and what `farm submit --export` calls."""

from __future__ import annotations

import sys
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, Dict, Optional

import click

from farm.cli.build_options import with_options
from farm.cli.export_options import NETWORK_OPTIONS
from farm.cli.options import unwrapped_examples
from farm.cli.words import split_names
from farm.protocol.errors import Invalid, Unsupported

_OLDEST_PYTHON = (3, 11)


@click.command()
@click.argument("name", required=False, metavar="[NAME|FILE.py:CLASS]")
@click.option("--list", "listed", is_flag=True, help="List the exporters.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The ONNX file; by default NAME.onnx.")
@with_options(NETWORK_OPTIONS)
@click.option(
    "--precision",
    default="fp32",
    show_default=True,
    metavar="fp32|fp16|bf16|mix",
    help="Of weights and values in the file. farm submit --precision needs none but fp32 here.",
)
@click.option("--steps", metavar="NAMES", help="Graph steps instead of the exporter's own; none for no step.")
@click.option("--exporter", "tool", default="", metavar="tracer|torch.export", help="By default the first that works.")
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
      farm export path/to/my_exporter.py:MyExporter -o mine.onnx
    """
    from farm.cli.console import emit_json, out

    _check_python()
    from .host.exporters.table import EXPORTERS, short_name

    if listed:
        names = sorted(EXPORTERS)
        emit_json(names) if as_json else out("\n".join(names))
        return
    if name is None:
        raise Invalid("no exporter is named", "Type farm export NAME, or --list.")
    if given["steps"] is not None:
        given["steps"] = () if given["steps"] == "none" else tuple(split_names([given["steps"]]))
    told = _exported(name, output or Path(f"{short_name(name)}.onnx"), given)
    if as_json:
        emit_json(told)
        return
    out(_sentence(told))
    for line in (*told["refused"], *told["steps"]):
        out(f"  {line}")


export.help = unwrapped_examples(export.help)


def write(name: str, folder: Path, **given: Any) -> Dict[str, Any]:
    """A network in a file of its name in a folder: the `path`, a `sentence`, and the fields of `Exported`.

    Raises: FarmError: it cannot be exported.
    """
    _check_python()
    from .host.exporters.table import short_name

    # No steps: who prepares the file takes them anyway.
    told = _exported(name, folder / f"{short_name(name)}.onnx", {**given, "steps": ()})
    return {**told, "sentence": _sentence({**told, "path": Path(told["path"]).name})}


def _check_python() -> None:
    if sys.version_info < _OLDEST_PYTHON:
        raise Unsupported("exporting needs Python 3.11", "Export on a host; a device takes the ONNX file from there.")


def _exported(name: str, output: Path, given: Dict[str, Any]) -> Dict[str, Any]:
    from .host.exporters.base import ExportOrder, Size, check_order
    from .host.exporters.table import exporter

    told = {field.name: given[field.name] for field in fields(ExportOrder) if given.get(field.name) is not None}
    told["size"] = Size(*given["size"]) if given.get("size") else None
    if given.get("weights"):
        told["weights"] = Path(given["weights"])
    order = ExportOrder(**told)
    made = exporter(name)
    check_order(name, made, order)
    if not output.absolute().parent.is_dir():
        raise Invalid(f"the folder of {output} does not exist", "Make it, or give another --output.")
    return {**asdict(made.export(output, order)), "path": str(output)}


def _sentence(told: Dict[str, Any]) -> str:
    largest = told["largest_difference"]
    checked = "not checked" if largest is None else f"within {largest:.1g} of PyTorch"
    return f"wrote {told['path']} with PyTorch's {told['exporter']}: weights {told['weights']}, {checked}"
