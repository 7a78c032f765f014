"""Records what moved, in the same transaction that moves it."""

from __future__ import annotations

from typing import Any

from orchestrator.store import events
from orchestrator.store.database import Connection


def emit(
    connection: Connection,
    at: float,
    kind: str,
    *,
    submission: str | None = None,
    build: str | None = None,
    device: str | None = None,
    data: dict[str, Any] | None = None,
) -> None:
    """Add an event. Signal `signals.EVENTS` after the commit, or use `Context.transaction`, which does."""
    events.add(connection, at, kind, submission, build, device, data or {})
