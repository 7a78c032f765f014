"""Engines with the evidence that comparisons are made from, for many engines at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, case, select

from farm.protocol.codec import loads
from farm.protocol.report import BenchmarkReport, VerificationReport

from .tables import benchmark, device, engine, verification

_CHUNK = 500


@dataclass(frozen=True)
class Proven:
    """An engine that may be removed by now, with its newest verification and the measurement to compare."""

    id: str
    backend_version: str
    size_bytes: int
    built_on: str
    removed: bool
    verification: VerificationReport | None = None
    benchmark: BenchmarkReport | None = None


def proven(connection: Connection, policies: Mapping[str, str]) -> dict[str, Proven]:
    """Engines by id, each with its measurement under a policy where there is one: a quiet one first, then the newest.

    Args:
        connection: Where to look.
        policies: Engine to the digest of the benchmark policy.
    """
    found: dict[str, Proven] = {}
    ids = sorted(policies)
    for first in range(0, len(ids), _CHUNK):
        chunk = {engine_id: policies[engine_id] for engine_id in ids[first : first + _CHUNK]}
        found.update(_proven(connection, chunk))
    return found


def _proven(connection: Connection, policies: Mapping[str, str]) -> dict[str, Proven]:
    verified = _first(connection, verification, policies, verification.c.created_at.desc())
    under = case(policies, value=benchmark.c.engine_id, else_="")
    asked_for = case((benchmark.c.policy == under, 0), else_=1)
    measured = _first(connection, benchmark, policies, asked_for, benchmark.c.noisy, benchmark.c.created_at.desc())
    query = (
        select(engine.c.id, engine.c.backend_version, engine.c.size_bytes, engine.c.removed_at, device.c.name)
        .join(device, device.c.id == engine.c.device_id)
        .where(engine.c.id.in_(policies))
    )
    return {
        row.id: Proven(
            id=row.id,
            backend_version=row.backend_version,
            size_bytes=row.size_bytes,
            built_on=row.name,
            removed=row.removed_at is not None,
            verification=loads(VerificationReport, verified[row.id]) if row.id in verified else None,
            benchmark=loads(BenchmarkReport, measured[row.id]) if row.id in measured else None,
        )
        for row in connection.execute(query)
    }


def _first(connection: Connection, table: Any, policies: Mapping[str, str], *order: Any) -> dict[str, str]:
    """The first report of each engine in an order."""
    query = select(table.c.engine_id, table.c.report).where(table.c.engine_id.in_(policies))
    found: dict[str, str] = {}
    for engine_id, report in connection.execute(query.order_by(table.c.engine_id, *order, table.c.id)):
        found.setdefault(engine_id, report)
    return found
