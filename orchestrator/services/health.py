"""Whether the coordinator can do its part."""

from __future__ import annotations

from farm.protocol.errors import Unavailable
from orchestrator.store import pulse

from .context import Context


def check(context: Context) -> None:
    """Ask the database for an answer, and whether it would take one.

    Raises: Unavailable
    """
    with context.database.read() as connection:
        pulse.ask(connection)
        if pulse.is_read_only(connection):
            raise Unavailable("the database is read-only", "Let it take writes; nothing was lost.")
