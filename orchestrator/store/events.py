"""Events in the order in which they became visible."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from .tables import event, request

# Any number that no other user of this database locks.
_ORDER_LOCK = 0x6661726D
_COLUMNS = ("at", "kind", "submission_id", "build_id", "device", "data")
_ADD = insert(event)
# A sequence hands out ids before the commit: without the lock a reader could see 8 and only later 7. The id is made
# for a row that comes from the lock, so that it is taken first.
_ORDER = select(func.pg_advisory_xact_lock(_ORDER_LOCK).label("held")).cte("in_order")
_ADD_IN_ORDER = insert(event).from_select(
    list(_COLUMNS),
    select(*(bindparam(f"new_{name}", type_=event.c[name].type) for name in _COLUMNS)).select_from(_ORDER),
)


@dataclass(frozen=True)
class EventRow:
    """One event."""

    id: int
    at: float
    kind: str
    submission: str | None
    build: str | None
    device: str | None
    data: dict[str, Any]


@dataclass(frozen=True)
class NewEvent:
    """An event that has no id yet."""

    kind: str
    submission: str | None = None
    build: str | None = None
    device: str | None = None
    data: dict[str, Any] = field(default_factory=dict)


def add(connection: Connection, at: float, new: Sequence[NewEvent]) -> None:
    """Add events; ids grow in the order of the commits, so that `id > seen` never misses one."""
    rows = [(at, one.kind, one.submission, one.build, one.device, json.dumps(one.data)) for one in new]
    in_order = connection.dialect.name == "postgresql"
    names = [f"new_{name}" for name in _COLUMNS] if in_order else _COLUMNS
    connection.execute(_ADD_IN_ORDER if in_order else _ADD, [dict(zip(names, row, strict=True)) for row in rows])


def newest_id(connection: Connection) -> int:
    """The id of the newest event; 0 before the first."""
    return int(connection.execute(select(func.coalesce(func.max(event.c.id), 0))).scalar_one())


def after(
    connection: Connection, seen: int, limit: int, submission: str | None = None, build: str | None = None
) -> tuple[EventRow, ...]:
    """The next events behind one, in order: all, those of a submission with its builds, or those of a build."""
    query = select(event).where(event.c.id > seen).order_by(event.c.id).limit(limit)
    if submission is not None:
        builds = select(request.c.build_id).where(
            request.c.submission_id == submission, request.c.build_id.is_not(None)
        )
        query = query.where((event.c.submission_id == submission) | event.c.build_id.in_(builds))
    if build is not None:
        query = query.where(event.c.build_id == build)
    return tuple(
        EventRow(row.id, row.at, row.kind, row.submission_id, row.build_id, row.device, json.loads(row.data))
        for row in connection.execute(query)
    )
