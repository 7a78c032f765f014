"""What moved, in the order in which it became visible, for whoever watches."""

from __future__ import annotations

from farm.protocol.views import Event
from orchestrator.store import events as rows

from .clock import iso
from .context import Context

_PAGE = 200


def newest_id(context: Context) -> int:
    """Where a watcher begins who wants no history."""
    with context.database.read() as connection:
        return rows.newest_id(connection)


def after(context: Context, seen: int, submission: str | None = None, build: str | None = None) -> tuple[Event, ...]:
    """The next events, at most a page, of everything or of one submission or build."""
    with context.database.read() as connection:
        found = rows.after(connection, seen, _PAGE, submission, build)
    return tuple(Event(row.id, iso(row.at), row.kind, row.submission, row.build, row.device, row.data) for row in found)
