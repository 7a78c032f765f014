"""`farm prepare`."""

from __future__ import annotations

import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Tuple

import click

from farm.cli.options import json_option, option, verb
from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.options import Precision, ReferencePolicy

if TYPE_CHECKING:
    from farm.protocol.keys import StepCall

    from .host.adapt import Adapted

_OLDEST_PYTHON = (3, 11)


@verb()
@click.argument("model", type=click.Path(path_type=Path), metavar="MODEL.onnx", required=False)
@option("--list", "listed", is_flag=True, help="List the graph steps.")
@option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Where the graph goes.")
@option("--steps", metavar="NAMES", help="As for farm submit: default,-fold,bounds; none.")
@option("--for", "version", metavar="VERSION", help="Add what this version of TensorRT needs: 8.5.3.1.")
@option("--precision", type=click.Choice([str(item) for item in Precision]), default="fp32", help="For that version.")
@option("--shapes", metavar="SPEC", help="Shapes of open inputs: images:1x3x640x640.")
@option("--loadInputs", type=click.Path(path_type=Path), metavar="FILE.npz", help="Reference inputs.")
@option(
    "--calib", type=click.Path(path_type=Path), metavar="PATH", help="Samples: an .npz file, or pictures in a folder."
)
@option("--value", "values", multiple=True, metavar="NAME=X", help="One value for a whole input.")
@option("--range", "ranges", multiple=True, metavar="NAME=LO,HI", help="Range of a generated input.")
@option("--seed", type=click.IntRange(0), default=0, help="Of the generated inputs.")
@json_option
def prepare(
    model: Optional[Path],
    listed: bool,
    output: Optional[Path],
    as_json: bool,
    load_inputs: Optional[Path],
    **given: Any,
) -> None:
    r"""Run graph steps over a model here, each checked against the graph before it.

    It is what a host of the farm does before a build; a submit needs none of it.

    \b
      farm prepare model.onnx --steps default,rename:input=images -o prepared.onnx
      farm prepare model.onnx --for 8.5.3.1 --precision fp16 -o xavier.onnx
    """
    if sys.version_info < _OLDEST_PYTHON:
        raise Unsupported("graph steps need Python 3.11", "Run it on a host; a device takes the graph from there.")
    from farm.cli.console import emit_json, out

    if listed:
        emit_json({"steps": _table()}) if as_json else _emit_table()
        return
    if model is None:
        raise Invalid("no model is named", "Type farm prepare MODEL.onnx, or --list.")
    calls = _calls(given["steps"], given["version"], Precision(given["precision"]))
    made, files = _prepared(model, calls, given, load_inputs, output)
    if as_json:
        emit_json({"files": files, "steps": [report.to_json() for report in made.reports]})
        return
    for report in made.reports:
        out(str(report))
    out(f"wrote {', '.join(files)}" if files else "wrote nothing; give --output FILE for the graph")


def _prepared(
    model: Path, calls: Tuple[StepCall, ...], given: Dict[str, Any], inputs: Optional[Path], output: Optional[Path]
) -> Tuple[Adapted, List[str]]:
    """What came of the steps, and the files that were written."""
    from .host.adapt import adapt
    from .host.graph.model import written
    from .host.samples import colour_order, samples_in

    calib: Optional[Path] = given["calib"]
    missing = next((path for path in (model, calib) if path is not None and not path.exists()), None)
    if missing is not None:
        raise Invalid(f"there is no file {missing}", "Give the path of one.")
    place = (output or model).absolute().parent
    if not place.is_dir():
        raise Invalid(f"the folder of {output} does not exist", "Make it, or give another --output.")
    # Beside the output: weights are linked, and a link does not reach another file system.
    with tempfile.TemporaryDirectory(dir=place, prefix=".prepare-") as scratch:
        samples = partial(samples_in, calib, order=colour_order(calls)) if calib else lambda _: ()
        made = adapt(model, calls, _policy(given), inputs, Path(scratch), samples=samples)
    return made, written(made.model, output) if output else []


def _calls(steps: Optional[str], version: Optional[str], precision: Precision) -> Tuple[StepCall, ...]:
    from farm.cli.words import split_names
    from farm.protocol.steps import planned_steps

    typed = None if steps is None else () if steps == "none" else split_names([steps])
    return planned_steps(typed, _needed(version, precision) if version else ())


def _needed(version: str, precision: Precision) -> Tuple[str, ...]:
    from farm.backends.tensorrt.capabilities import capabilities_of
    from farm.backends.tensorrt.needs import needed_steps
    from farm.backends.tensorrt.precision import meaning

    can = capabilities_of(version)
    return needed_steps(can, meaning(precision, can, None).types)


def _policy(given: Dict[str, Any]) -> ReferencePolicy:
    from farm.cli.words import number_range, pairs
    from farm.protocol.shapes import parse_shapes

    ranges: Any = pairs("--range", given["ranges"], number_range, "name=0,1")
    return ReferencePolicy(
        seed=given["seed"],
        values=pairs("--value", given["values"], float),
        ranges=ranges,
        shapes=parse_shapes(given["shapes"]) if given["shapes"] else {},
    )


def _table() -> List[Dict[str, Any]]:
    from farm.protocol.steps import DEFAULT_STEPS

    from .host.graph.steps import STEPS, step

    found = [(step(name), name in DEFAULT_STEPS) for name in STEPS]
    return [
        {
            "name": one.NAME,
            "description": one.DESCRIPTION,
            "parameters": dict(one.PARAMETERS),
            "tolerance": one.TOLERANCE,
            "default": default,
        }
        for one, default in found
    ]


def _emit_table() -> None:
    from farm.cli.console import columns, emit_table

    rows = [
        (
            row["name"],
            "yes" if row["default"] else "",
            "reported" if row["tolerance"] is None else f"{row['tolerance']:g}",
            ":".join(f"{name}={value}" for name, value in row["parameters"].items()),
            row["description"],
        )
        for row in _table()
    ]
    emit_table(columns("step, default, tolerance>, parameters~, what it does~"), rows)
