"""Events in the order in which they became visible."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, insert, text

from .tables import event

# Any number that no other user of this database locks.
_ORDER_LOCK = 0x6661726D


def add(
    connection: Connection,
    at: float,
    kind: str,
    submission: str | None,
    build: str | None,
    device: str | None,
    data: dict[str, Any],
) -> None:
    """Add an event; ids grow in the order of the commits, so that `id > seen` never misses one."""
    if connection.dialect.name == "postgresql":
        # A sequence hands out ids before the commit: without this a reader could see 8 and only later 7.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ORDER_LOCK})
    connection.execute(
        insert(event).values(
            at=at, kind=kind, submission_id=submission, build_id=build, device=device, data=json.dumps(data)
        )
    )
