"""What the database knows of logs: whose they are, whether they grow, and the blobs they became."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, Select, select, update

from .database import Connection
from .tables import attempt, device


@dataclass(frozen=True)
class LogRow:
    """The log of one attempt.

    Attributes:
        device: Name of the device that writes it.
        chunks: Digests of what was kept, oldest first; empty while the attempt runs.
        log_bytes: Everything the attempt wrote; 0 while it runs.
    """

    attempt: str
    device: str
    token: int
    live: bool
    ended_at: float | None
    log_bytes: int
    chunks: tuple[str, ...]


def by_attempt(connection: Connection, attempt_id: str) -> LogRow | None:
    """The log of an attempt."""
    row = connection.execute(_query().where(attempt.c.id == attempt_id)).mappings().first()
    return _row(row) if row else None


def of_build(connection: Connection, build_id: str) -> tuple[LogRow, ...]:
    """The logs of a build's attempts, newest first."""
    return _rows(connection, _query().where(attempt.c.build_id == build_id))


def of_preparation(connection: Connection, preparation_id: str) -> tuple[LogRow, ...]:
    """The logs of a preparation's attempts, newest first."""
    return _rows(connection, _query().where(attempt.c.preparation_id == preparation_id))


def ended(connection: Connection, attempts: Iterable[str], before: float) -> tuple[LogRow, ...]:
    """Those of the attempts that ended before that moment."""
    chosen = attempt.c.id.in_(tuple(attempts)) & ~attempt.c.live & (attempt.c.ended_at < before)
    return _rows(connection, _query().where(chosen))


def unsealed(connection: Connection, attempts: Iterable[str]) -> frozenset[str]:
    """Those of the attempts whose log became no blobs yet."""
    query = select(attempt.c.id).where(attempt.c.id.in_(tuple(attempts)), attempt.c.log_chunks == "[]")
    return frozenset(connection.execute(query).scalars())


def seal(connection: Connection, attempt_id: str, chunks: tuple[str, ...], log_bytes: int) -> None:
    """Note the blobs that a log became."""
    values = {"log_chunks": json.dumps(chunks), "log_bytes": log_bytes}
    connection.execute(update(attempt).where(attempt.c.id == attempt_id).values(**values))


def _query() -> Select[Any]:
    return select(
        attempt.c.id.label("attempt"),
        device.c.name.label("device"),
        attempt.c.token,
        attempt.c.live,
        attempt.c.ended_at,
        attempt.c.log_bytes,
        attempt.c.log_chunks.label("chunks"),
    ).join(device, device.c.id == attempt.c.device_id)


def _rows(connection: Connection, query: Select[Any]) -> tuple[LogRow, ...]:
    ordered = query.order_by(attempt.c.started_at.desc(), attempt.c.number.desc())
    return tuple(_row(row) for row in connection.execute(ordered).mappings())


def _row(row: RowMapping) -> LogRow:
    return LogRow(**{**row, "chunks": tuple(json.loads(row["chunks"]))})
