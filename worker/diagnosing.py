"""`farm diagnose`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict

import click

from farm.cli.context import Connection
from farm.cli.options import json_option, option, verb
from farm.protocol.errors import Unsupported
from farm.protocol.options import Precision, ReferencePolicy

if TYPE_CHECKING:
    from .host.diagnose.finding import Finding

_OLDEST_PYTHON = (3, 11)
_DRIFTS = ("fp16", "bf16", "mix")


@verb()
@click.argument("subject", metavar="BUILD|MODEL.onnx")
@option("--no-probes", is_flag=True, help="Build no parts of the graph on the device.")
@option("--probe-anyway", is_flag=True, help="Build parts though the backend names an operator.")
@option("--precision", type=click.Choice(_DRIFTS), default="fp16", help="Of a MODEL.")
@option("--steps", metavar="NAMES", help="Of a MODEL, as for farm submit.")
@option("--shapes", metavar="SPEC", help="Of a MODEL: images:1x3x640x640.")
@option("--loadInputs", type=click.Path(path_type=Path), metavar="FILE.npz", help="Of a MODEL: reference inputs.")
@json_option
@click.pass_obj
def diagnose(connection: Connection, /, subject: str, as_json: bool, **given: Any) -> None:
    r"""Find the operator for which a build failed, where it came from, and the step that repairs it.

    Of a build: what the backend names; where its numbers are wrong, the first value that leaves float32; else parts of
    the graph are built on the same target, fewer than the logarithm of its operators. Of a model: the first value that
    leaves float32 in fewer digits, on this processor.

    \b
      farm diagnose b-8uy7gx9dd2y6mv
      farm diagnose model.onnx --precision fp16
    """
    if sys.version_info < _OLDEST_PYTHON:
        raise Unsupported("a diagnosis needs Python 3.11", "Run it on a host: it runs the graph.")
    from farm.cli.console import emit_json

    found = _of_model(Path(subject), given) if subject.endswith(".onnx") else _of_build(connection, subject, given)
    emit_json(found.to_json()) if as_json else _emit(found)


def _of_build(connection: Connection, build: str, given: Dict[str, Any]) -> Finding:
    from farm.cli.console import say

    from .host.diagnose.of_build import FailedBuild

    with connection.client() as client, tempfile.TemporaryDirectory(prefix="farm-diagnose-") as folder:
        failed = FailedBuild(client, build, Path(folder), say)
        return failed.diagnose(probes=not given["no_probes"], named=not given["probe_anyway"])


def _of_model(path: Path, given: Dict[str, Any]) -> Finding:
    from farm.cli.words import split_names
    from farm.protocol.shapes import parse_shapes
    from farm.protocol.steps import planned_steps

    from .host.adapt import adapt
    from .host.diagnose.diagnosis import by_values

    typed = given["steps"]
    calls = planned_steps(None if typed is None else () if typed == "none" else split_names([typed]))
    policy = ReferencePolicy(shapes=parse_shapes(given["shapes"]) if given["shapes"] else {})
    # Beside the model: its weights are linked, and a link does not reach another file system.
    with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=".diagnose-") as folder:
        scratch = Path(folder)
        made = adapt(path, calls, policy, given["load_inputs"], scratch)
        if made.reference.outputs is None:
            raise Unsupported(
                f"nothing here can run {path.name}: {made.reference.told_by}", "Submit it, and diagnose the build."
            )
        return by_values(made.model, Precision(given["precision"]), made.inputs, scratch, calls)


def _emit(found: Finding) -> None:
    from farm.cli.console import emit_fields, out

    probes = f", {found.probes} builds" if found.probes else ""
    emit_fields([("found", found.what), ("how", found.how + probes)])
    for suspect in found.suspects:
        out()
        emit_fields(
            [
                ("operator", f"{suspect.operator} {suspect.name}"),
                ("takes", "; ".join(suspect.inputs)),
                ("gives", "; ".join(suspect.outputs)),
                ("from", suspect.origin),
            ]
        )
    if found.remedies:
        out()
        emit_fields([(remedy.word, remedy.why) for remedy in found.remedies])
