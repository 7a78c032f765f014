"""`farm status` and `farm list`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional, Sequence, Tuple

import click

from farm.protocol.errors import Invalid
from farm.protocol.exits import Exit
from farm.protocol.states import ACTIVE_STATES, State
from farm.protocol.views import RequestView, SubmissionView

from ..console import columns, emit_fields, emit_json, emit_table
from ..context import Connection
from ..format import CellLike, age, dim, short, word
from ..options import json_option, option, verb
from ..outcome import say_failures
from ..progress_text import progress_text
from ..stored import SUBMISSIONS, stored
from ..watching import stage_bar
from ..words import moment, pairs, seconds

if TYPE_CHECKING:
    from farm.client import FarmClient

_FAILED = (State.FAILED, State.QUARANTINED)
_REQUESTS = columns("target, state, stages, engine, build, note~")
_SUBMISSIONS = columns("submission, name, state, targets~, by, created")


@verb()
@click.argument("submission", required=False, shell_complete=stored(SUBMISSIONS))
@option("--watch", "-w", is_flag=True, help="Follow it to its end, and answer with its exit code.")
@option("--timeout", metavar="TIME", help="Watch no longer: 90s, 15m, 2h.")
@json_option
@click.pass_obj
def status(
    connection: Connection, submission: Optional[str], watch: bool, timeout: Optional[str], as_json: bool
) -> int:
    """Show where a submission stands, and why what failed did; without an id, everything that is not finished.

    With --watch it ends as submit --wait does: with the results, and the exit code of the worst target.
    """
    with connection.client() as client:
        if submission is None:
            if watch:
                raise Invalid("nothing to watch is named", "Write farm status SUBMISSION --watch.")
            return _overview(client, as_json)
        view = client.status(submission)
        if watch:
            from ..following import finish

            return finish(client, view, seconds("--timeout", timeout) if timeout else None, True, as_json)
        if as_json:
            emit_json(view)
        else:
            _emit(view)
            if any(item.state in _FAILED for item in view.builds):
                say_failures(client.results(view, _FAILED))
    return Exit.DONE


@verb("list")
@option("--me", is_flag=True, help="Only my own.")
@option("--state", type=click.Choice([str(item) for item in State]), help="Only those in this state.")
@option("--name", metavar="MODEL", help="Only those of a model.")
@option("--tag", "tags", multiple=True, metavar="K=V", help="Only those with a tag.")
@option("--since", metavar="TIME", help="Only those since then: 2h, 7d, 2026-01-31.")
@option("--until", metavar="TIME", help="Only those until then.")
@option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Not more than that.")
@json_option
@click.pass_obj
def list_(
    connection: Connection,
    me: bool,
    state: Optional[str],
    name: Optional[str],
    tags: Sequence[str],
    since: Optional[str],
    until: Optional[str],
    limit: int,
    as_json: bool,
) -> int:
    """List submissions, newest first."""
    with connection.client() as client:
        views = client.list(
            State(state) if state else None,
            name,
            me,
            pairs("--tag", tags, str),
            moment("--since", since) if since else None,
            moment("--until", until) if until else None,
            limit,
        )
    _emit_list(views, as_json, "no submissions")
    return Exit.DONE


def _overview(client: FarmClient, as_json: bool) -> int:
    active = [view for view in client.list(limit=200) if view.state in ACTIVE_STATES]
    _emit_list(active, as_json, "nothing is being built; farm list shows what was")
    return Exit.DONE


def _emit_list(views: Sequence[SubmissionView], as_json: bool, empty: str) -> None:
    if as_json:
        emit_json({"submissions": list(views)})
    else:
        emit_table(_SUBMISSIONS, [_submission_row(view) for view in views], empty)


def _submission_row(view: SubmissionView) -> Tuple[CellLike, ...]:
    targets = ", ".join(item.target for item in view.builds)
    return view.id, view.name, word(view.state), targets, view.created_by, dim(age(view.created_at))


def _emit(view: SubmissionView) -> None:
    tags = ", ".join(f"{key}={value}" for key, value in view.tags.items())
    emit_fields(
        [
            ("submission", view.id),
            ("model", f"{view.name} {short(view.model)}"),
            ("state", word(view.state)),
            ("created", f"{age(view.created_at)} by {view.created_by}"),
            ("tags", tags),
        ]
    )
    click.echo()
    emit_table(_REQUESTS, [_request_row(item) for item in view.builds])


def _request_row(request: RequestView) -> Tuple[CellLike, ...]:
    return (
        request.target,
        word(request.state),
        dim(stage_bar(request.state)),
        request.engine or "-",
        dim(request.build or "-"),
        dim(request.reason or progress_text(request.progress)),
    )
