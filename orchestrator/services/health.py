"""Whether the coordinator can do its part."""

from __future__ import annotations

from orchestrator.store import pulse

from .context import Context


def check(context: Context) -> None:
    """Ask the database for an answer.

    Raises: Unavailable
    """
    with context.database.read() as connection:
        pulse.ask(connection)
