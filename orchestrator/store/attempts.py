"""Rows of attempts: who holds, or held, which work."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from farm.protocol.codec import loads
from farm.protocol.report import Failure
from farm.protocol.states import AttemptEnd

from . import statements
from .tables import attempt, device

_HELD_OR_ASKED = select(attempt).where(
    attempt.c.device_id == bindparam("device"),
    (attempt.c.nonce == bindparam("nonce")) | (attempt.c.live & (attempt.c.slot == bindparam("slot"))),
)
_DEVICE_OF = (
    select(device.c.name).join(attempt, attempt.c.device_id == device.c.id).where(attempt.c.id == bindparam("attempt"))
)


@dataclass(frozen=True)
class AttemptRow:
    """One lease; exactly one of `build_id` and `preparation_id` is set."""

    id: str
    build_id: str | None
    preparation_id: str | None
    device_id: str
    slot: str
    number: int
    token: int
    nonce: str
    lease_until: float
    started_at: float
    live: bool = True
    ended_at: float | None = None
    end: AttemptEnd | None = None
    stages: tuple[dict[str, Any], ...] = ()
    failure: str | None = None
    child_ms: float = 0.0
    cancel: str | None = None
    result_digest: str | None = None
    log_bytes: int = 0
    log_chunks: str = "[]"

    @property
    def work_id(self) -> str:
        """What it works on."""
        return self.build_id or self.preparation_id or ""

    @property
    def failed_with(self) -> Failure | None:
        """Why it failed."""
        return loads(Failure, self.failure) if self.failure else None


def add(connection: Connection, row: AttemptRow) -> None:
    """Store a new lease.

    Raises: Raced: the slot got another one at the same time.
    """
    connection.execute(statements.adding(attempt), {**row.__dict__, "stages": json.dumps(row.stages)})


def by_id(connection: Connection, attempt_id: str, lock: bool = False) -> AttemptRow | None:
    """The attempt of this id; locked against other writers when asked."""
    row = connection.execute(statements.by_id(attempt, lock), {"id": attempt_id}).mappings().first()
    return _row(row) if row else None


def held_or_asked(connection: Connection, device_id: str, slot: str, nonce: str) -> tuple[AttemptRow, ...]:
    """The attempt that this nonce got, and the one that holds the slot."""
    rows = connection.execute(_HELD_OR_ASKED, {"device": device_id, "slot": slot, "nonce": nonce}).mappings()
    return tuple(_row(row) for row in rows)


def device_of(connection: Connection, attempt_id: str) -> str | None:
    """The name of the device that holds, or held, a lease."""
    return connection.execute(_DEVICE_OF, {"attempt": attempt_id}).scalar()


def change(connection: Connection, attempt_id: str, **columns: Any) -> None:
    """Change single columns."""
    statements.change(connection, attempt, attempt_id, columns)


def stages_text(stages: tuple[dict[str, Any], ...]) -> str:
    """Stages as their column holds them."""
    return json.dumps(stages)


def end(
    connection: Connection, attempt_id: str, how: AttemptEnd, at: float, child_ms: float | None = None, **columns: Any
) -> None:
    """End a lease: its slot is free, its token is worth nothing."""
    if child_ms is not None:
        columns["child_ms"] = child_ms
    change(connection, attempt_id, live=False, end=how, ended_at=at, **columns)


def expired(connection: Connection, now: float, limit: int) -> tuple[str, ...]:
    """The leases that nobody held in time, the longest overdue first."""
    query = select(attempt.c.id).where(attempt.c.live, attempt.c.lease_until < now).order_by(attempt.c.lease_until)
    return tuple(connection.execute(query.limit(limit)).scalars())


def give_grace(connection: Connection, until: float) -> int:
    """Let every live lease last at least until then; how many were shorter."""
    short = attempt.c.live & (attempt.c.lease_until < until)
    return int(connection.execute(update(attempt).where(short).values(lease_until=until)).rowcount)


def count_tries(connection: Connection, row: AttemptRow) -> int:
    """How many attempts at the same work were lost or failed."""
    same = attempt.c.build_id == row.build_id if row.build_id else attempt.c.preparation_id == row.preparation_id
    ends = (AttemptEnd.EXPIRED, AttemptEnd.FAILED)
    return int(connection.execute(select(func.count()).where(same, attempt.c.end.in_(ends))).scalar_one())


def newest_ended(connection: Connection, device_id: str) -> AttemptRow | None:
    """The attempt of a device that ended last."""
    query = select(attempt).where(attempt.c.device_id == device_id, ~attempt.c.live)
    rows = _rows(connection, query.order_by(attempt.c.ended_at.desc()).limit(1))
    return rows[0] if rows else None


def of_work(connection: Connection, work_ids: tuple[str, ...]) -> tuple[tuple[AttemptRow, str], ...]:
    """The attempts at builds or preparations, oldest first, each with the name of its device."""
    query = (
        select(attempt, device.c.name.label("device_name"))
        .join(device, device.c.id == attempt.c.device_id)
        .where(attempt.c.build_id.in_(work_ids) | attempt.c.preparation_id.in_(work_ids))
        .order_by(attempt.c.started_at)
    )
    rows = statements.records(connection, query)
    names = [row.pop("device_name") for row in rows]
    return tuple(zip(map(_row, rows), names, strict=True))


def _rows(connection: Connection, query: Any) -> tuple[AttemptRow, ...]:
    return tuple(_row(row) for row in statements.records(connection, query))


def _row(row: Any) -> AttemptRow:
    end = AttemptEnd(row["end"]) if row["end"] else None
    return AttemptRow(**{**row, "end": end, "stages": tuple(json.loads(row["stages"]))})
