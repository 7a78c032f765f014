"""`farm submit` and `farm plan`."""

from __future__ import annotations

from typing import Any, Mapping, Optional, Tuple

import click

from farm.protocol.exits import Exit
from farm.protocol.submit import Plan, PlanRow

from ..ask import local_ask
from ..build_options import BUILD_OPTIONS, with_options
from ..calibrated import calibrated
from ..console import columns, emit_json, emit_table, out, say
from ..context import Connection
from ..export_options import NETWORK_OPTIONS, exported
from ..format import BAD, Cell, CellLike, dim, duration, short, word
from ..options import json_option, option, verb
from ..submitted import WAIT_OPTIONS, Stay
from ..transfers import transfers


@verb()
@with_options(BUILD_OPTIONS)
@option("--export", metavar="NAME", section="Which network", help="Write this network of farm export, and build it.")
@with_options(NETWORK_OPTIONS)
@with_options(WAIT_OPTIONS)
@option("--dry-run", is_flag=True, help="The same as farm plan.")
@json_option
@click.pass_obj
def submit(connection: Connection, /, **given: Any) -> int:
    r"""Build a model for targets: prepared once, then built, verified and measured on each of them.

    \b
      farm submit model.onnx --targets xavier,v100 --wait
      farm submit model.onnx -t 'sm>=80,mem>=16GiB' --precision fp16
      farm submit model.onnx -t v100 --minShapes images:1x3x64x64 --maxShapes images:8x3x64x64
      farm submit --clone sub-8uy7gx9dd2y6mv --targets h200 --force
      farm submit --export detr-r50 --HW 256 320 --targets v100 --precision fp16
      farm submit model.onnx -t v100 --int8 --calib pictures

    Prints the id of the submission; with --wait what came out for each target.
    """
    with exported(given) as written, calibrated(written) as asked:
        return _plan(connection, asked) if asked["dry_run"] else _submit(connection, asked)


def _submit(connection: Connection, given: Mapping[str, Any]) -> int:
    stay = Stay.of(given)
    with connection.client() as client:
        with transfers() as progress:
            local = local_ask(client, given, progress)
            view = client.send(local, progress)
        return stay.tell(client, view)


@verb()
@with_options(BUILD_OPTIONS)
@json_option
@click.pass_obj
def plan(connection: Connection, /, **given: Any) -> int:
    r"""Show what a submit would do for each target, without doing it.

    \b
      farm plan model.onnx --targets xavier,v100
    """
    with calibrated(given) as asked:
        return _plan(connection, asked)


_COLUMNS = columns("word, target~, precision~, plugins~, key, hit, estimate>, devices~")
_TOOLCHAINS = columns("word, toolchain~")


def _plan(connection: Connection, given: Any) -> int:
    with connection.client() as client, transfers() as progress:
        found = client.send_plan(local_ask(client, given, progress))
    if given["as_json"]:
        emit_json(found)
    else:
        emit_table(_COLUMNS, [_row(row) for row in found.rows])
        out()
        emit_table(_TOOLCHAINS, [(row.word, _toolchain(row)) for row in found.rows])
        for row in found.rows:
            for problem in row.problems:
                say(f"{row.word}: {problem}")
            if row.recorded:
                say(f"{row.word}: only recorded facts are known; farm submit needs a worker on such a device")
        if any(row.plugin_operators is None and row.plugin_generation != "none" for row in found.rows):
            say("which plugins it takes is known once it was prepared")
    return _exit(found)


def _exit(found: Plan) -> int:
    """A plan that would fail at once says so by its exit code."""
    unserved = any(row.key is None for row in found.rows)
    refused = any(row.problems for row in found.rows)
    return Exit.TARGET_UNAVAILABLE if unserved else Exit.USAGE if refused else Exit.DONE


def _row(row: PlanRow) -> Tuple[CellLike, ...]:
    estimate: Optional[float] = row.estimate_s if row.hit != "hit" else None
    return (
        row.word,
        row.target,
        row.precision_mechanism,
        _plugins(row),
        dim(short(row.key)),
        Cell("refused", BAD) if row.problems else word(row.hit),
        duration(estimate),
        _devices(row),
    )


def _plugins(row: PlanRow) -> CellLike:
    """The interface, and the plugins of the key with their sources, as far as they are known."""
    if row.plugin_generation == "none":
        return dim("none")
    plugins = row.request_key.plugins if row.request_key else {}
    found = ", ".join(f"{name} {short(source)}" for name, source in sorted(plugins.items()))
    return f"{row.plugin_generation}: {found}" if found else row.plugin_generation


def _devices(row: PlanRow) -> CellLike:
    if row.recorded:
        return dim(", ".join(f"{name} (recorded)" for name in row.recorded))
    return ", ".join(row.devices) or dim("none now")


def _toolchain(row: PlanRow) -> CellLike:
    return ", ".join(f"{name} {version}" for name, version in row.toolchain.items()) or dim("-")
