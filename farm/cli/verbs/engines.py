"""`farm engines`: the artifact database, keyed by GPU."""

from __future__ import annotations

from typing import List, Optional, Sequence, Tuple

import click

from farm.protocol.exits import Exit
from farm.protocol.options import Precision
from farm.protocol.views import EngineDetail, EngineView

from ..console import columns, emit_fields, emit_json, emit_table, out, say
from ..context import Connection
from ..engine_text import LAYER_COLUMNS, VERIFICATION_COLUMNS, layer_rows, layers_of, manifest_fields, verification_rows
from ..format import WARN, Cell, CellLike, age, dim, ms, or_noisy, size, word
from ..options import json_option, noun, option
from ..stored import ENGINES, MODELS, stored

_COLUMNS = columns("engine, model, target~, precision, verdict, p50>, p99>, size>, built~,")


@noun()
def engines() -> None:
    """List, show, remove and pin stored engines."""


@engines.command("list")
@option("--gpu", metavar="NAME", help="Only those for a card; cpu for processors.")
@option("--model", metavar="NAME", shell_complete=stored(MODELS), help="Only those of a model.")
@option("--target", metavar="WORD", help="Only those for a target.")
@option("--precision", type=click.Choice([str(item) for item in Precision]), help="Only those of a precision.")
@option("--limit", type=click.IntRange(1), default=50, show_default=True, help="Not more than that.")
@json_option
@click.pass_obj
def list_(
    connection: Connection,
    gpu: Optional[str],
    model: Optional[str],
    target: Optional[str],
    precision: Optional[str],
    limit: int,
    as_json: bool,
) -> int:
    """List engines, newest first."""
    with connection.client() as client:
        found = client.engines.list(gpu, model, target, Precision(precision) if precision else None, limit)
    if as_json:
        emit_json({"engines": found})
    else:
        emit_table(_COLUMNS, [_row(view) for view in found], "no engines")
    return Exit.DONE


@engines.command("show")
@click.argument("engine", shell_complete=stored(ENGINES))
@json_option
@click.pass_obj
def show(connection: Connection, engine: str, as_json: bool) -> int:
    """Show one engine: what it is, whether it is right, how fast it is."""
    with connection.client() as client:
        detail = client.engines.show(engine)
    if as_json:
        emit_json(detail)
    else:
        _emit(detail)
    return Exit.DONE


@engines.command("rm")
@click.argument("engine_ids", nargs=-1, required=True, metavar="ENGINE...", shell_complete=stored(ENGINES))
@json_option
@click.pass_obj
def remove(connection: Connection, engine_ids: Sequence[str], as_json: bool) -> int:
    """Forget engines; their files go with the next farm gc."""
    with connection.client() as client:
        _done("removed", [client.engines.remove(engine) for engine in engine_ids], as_json)
    return Exit.DONE


@engines.command("pin")
@click.argument("engine_ids", nargs=-1, required=True, metavar="ENGINE...", shell_complete=stored(ENGINES))
@json_option
@click.pass_obj
def pin(connection: Connection, engine_ids: Sequence[str], as_json: bool) -> int:
    """Keep engines from being removed."""
    with connection.client() as client:
        _done("pinned", [client.engines.pin(engine) for engine in engine_ids], as_json)
    return Exit.DONE


@engines.command("unpin")
@click.argument("engine_ids", nargs=-1, required=True, metavar="ENGINE...", shell_complete=stored(ENGINES))
@json_option
@click.pass_obj
def unpin(connection: Connection, engine_ids: Sequence[str], as_json: bool) -> int:
    """Let pinned engines be removed again."""
    with connection.client() as client:
        _done("unpinned", [client.engines.unpin(engine) for engine in engine_ids], as_json)
    return Exit.DONE


def _done(what: str, views: List[EngineView], as_json: bool) -> None:
    if as_json:
        emit_json({"engines": views})
    for view in () if as_json else views:
        say(f"{what} {view.id} ({view.model_name}, {view.label})")


def _row(view: EngineView) -> Tuple[CellLike, ...]:
    return (
        view.id,
        view.model_name if view.current else dim(f"{view.model_name} (older)"),
        view.label,
        str(view.precision),
        word(view.verdict),
        or_noisy(ms(view.latency_ms), view.noisy),
        or_noisy(ms(view.p99_ms), view.noisy),
        size(view.size_bytes),
        dim(f"{age(view.created_at)}, {view.built_on}"),
        _marks(view),
    )


def _marks(view: EngineView) -> CellLike:
    marks = [name for name, told in (("degraded", view.degraded), ("pinned", view.pinned)) if told]
    return Cell(" ".join(marks), WARN if view.degraded else "dim")


def _points(view: EngineView) -> CellLike:
    """Whether `fetch` takes it by its name."""
    if view.current:
        return f"{view.model_name} points at this model"
    return Cell(f"{view.model_name} points at another model now", WARN)


def _emit(detail: EngineDetail) -> None:
    view = detail.engine
    marks = [("name", _points(view)), ("marks", _marks(view))]
    emit_fields([("engine", view.id), *manifest_fields(detail.manifest), *marks])
    if detail.verifications:
        out()
        emit_table(VERIFICATION_COLUMNS, verification_rows(detail.verifications[0]))
    layers = layer_rows(layers_of(detail.benchmarks[0] if detail.benchmarks else None))
    if layers:
        out()
        emit_table(LAYER_COLUMNS, layers)
