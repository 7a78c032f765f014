"""Rows of engines with their newest evidence, for lists, details and fetches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, ScalarSelect, Select, and_, case, false, func, select, update

from farm.protocol.codec import loads
from farm.protocol.engine import EngineManifest
from farm.protocol.options import Precision
from farm.protocol.report import BenchmarkReport, VerificationReport
from farm.protocol.requirement import EngineRequirement
from farm.protocol.target import BuildTarget

from . import statements
from .database import Connection
from .parsing import key_of, requirement_of
from .tables import benchmark, build, device, engine, tag, verification


@dataclass(frozen=True)
class EngineRow:
    """One engine. Times are seconds since the epoch.

    Attributes:
        built_on: Name of the device.
        verdict: Of the newest verification; empty where there is none.
        median_ms: Of the newest measurement that was not noisy.
        noisy: It was measured, and never without noise.
        current: The name it was built under points at its model now.
    """

    id: str
    key: str
    model: str
    model_name: str
    label: str
    gpu: str
    backend: str
    backend_version: str
    precision: Precision
    requirement: EngineRequirement
    size_bytes: int
    degraded: bool
    quarantined: bool
    pinned: bool
    created_at: float
    removed_at: float | None
    built_on: str
    verdict: str
    median_ms: float | None
    p99_ms: float | None
    noisy: bool
    current: bool


def by_id(connection: Connection, engine_id: str) -> EngineRow | None:
    """The engine of this id, removed or not."""
    row = connection.execute(_query().where(engine.c.id == engine_id)).mappings().first()
    return _row(row) if row else None


def by_ids(connection: Connection, engine_ids: Sequence[str]) -> tuple[EngineRow, ...]:
    """The engines of these ids that are not removed, in their order."""
    query = _query().where(engine.c.id.in_(engine_ids), engine.c.removed_at.is_(None))
    found = {row["id"]: _row(row) for row in statements.records(connection, query)}
    return tuple(found[item] for item in dict.fromkeys(engine_ids) if item in found)


def built_by(connection: Connection, engine_id: str) -> str | None:
    """The id of the build that made it; None where there is no such engine."""
    return connection.execute(select(engine.c.build_id).where(engine.c.id == engine_id)).scalar()


def newest(
    connection: Connection,
    limit: int,
    model: str | None = None,
    digest: str | None = None,
    precision: Precision | None = None,
    before: tuple[float, str] | None = None,
    gpus: tuple[str, ...] | None = None,
) -> tuple[EngineRow, ...]:
    """Engines that are not removed, newest first, quarantined ones too.

    Args:
        connection: Where to look.
        limit: At most so many.
        model: Name or digest of a model.
        digest: Digest of a model.
        precision: As asked for.
        before: Time and id of an engine: only older ones.
        gpus: Names of cards, or cpu.
    """
    query = _query().where(engine.c.removed_at.is_(None)).order_by(engine.c.created_at.desc(), engine.c.id.desc())
    if model is not None:
        query = query.where((engine.c.model_name == model) | (engine.c.model == model))
    if digest is not None:
        query = query.where(engine.c.model == digest)
    if precision is not None:
        query = query.where(engine.c.precision == str(precision))
    if before is not None:
        at, last = before
        query = query.where((engine.c.created_at < at) | ((engine.c.created_at == at) & (engine.c.id < last)))
    if gpus is not None:
        query = query.where(engine.c.gpu.in_(gpus))
    return tuple(_row(row) for row in statements.records(connection, query.limit(limit)))


def gpus(connection: Connection) -> tuple[str, ...]:
    """The names of all cards there are engines for; as fast as there are few, however many engines."""
    # One look into the index for each name, where DISTINCT would read all of it.
    first = select(func.min(engine.c.gpu).label("name")).cte("names", recursive=True)
    following = select(func.min(engine.c.gpu)).where(engine.c.gpu > first.c.name).correlate(first).scalar_subquery()
    names = first.union_all(select(following).where(first.c.name.is_not(None)))
    return tuple(name for name in connection.execute(select(names.c.name)).scalars() if name is not None)


def targets(connection: Connection, engine_ids: Sequence[str]) -> dict[str, BuildTarget]:
    """What engines were built for, by id."""
    query = select(engine.c.id, engine.c.build_id, build.c.target_digest).join(build, build.c.id == engine.c.build_id)
    rows = connection.execute(query.where(engine.c.id.in_(engine_ids))).all()
    # They share a few targets: one build tells each of them.
    told_by = {row.target_digest: row.build_id for row in rows}
    specs = connection.execute(select(build.c.target_digest, build.c.spec).where(build.c.id.in_(told_by.values())))
    found = {row.target_digest: key_of(row.spec).target for row in specs}
    return {row.id: found[row.target_digest] for row in rows}


def manifest(connection: Connection, engine_id: str) -> EngineManifest:
    """The stored manifest, without its newest reports."""
    told = connection.execute(select(engine.c.manifest).where(engine.c.id == engine_id)).scalar_one()
    return loads(EngineManifest, told)


def verifications(connection: Connection, engine_id: str, policy: str = "") -> tuple[VerificationReport, ...]:
    """Every verification: those under a policy first, then newest first."""
    query = select(verification.c.report).where(verification.c.engine_id == engine_id)
    others_last = case((verification.c.policy == policy, 0), else_=1)
    ordered = query.order_by(others_last, verification.c.created_at.desc(), verification.c.id)
    return tuple(loads(VerificationReport, told) for told in connection.execute(ordered).scalars())


def benchmarks(connection: Connection, engine_id: str, policy: str = "") -> tuple[BenchmarkReport, ...]:
    """Every measurement: those under a policy first, then newest first."""
    query = select(benchmark.c.report).where(benchmark.c.engine_id == engine_id)
    others_last = case((benchmark.c.policy == policy, 0), else_=1)
    ordered = query.order_by(others_last, benchmark.c.created_at.desc(), benchmark.c.id)
    return tuple(loads(BenchmarkReport, told) for told in connection.execute(ordered).scalars())


def change(connection: Connection, engine_id: str, **columns: Any) -> None:
    """Change single columns that hold plain values."""
    connection.execute(update(engine).where(engine.c.id == engine_id).values(**columns))


def newest_verdict() -> ColumnElement[str]:
    """Of an engine in a query the verdict of its newest verification; empty where there is none."""
    return func.coalesce(newest_verified(verification.c.verdict), "")


def newest_verified(what: Column[Any]) -> ScalarSelect[Any]:
    """Of an engine in a query something of its newest verification."""
    newest_first = (verification.c.created_at.desc(), verification.c.id)
    query = select(what).where(verification.c.engine_id == engine.c.id).order_by(*newest_first).limit(1)
    return query.correlate(engine).scalar_subquery()


def quietest(what: Column[Any]) -> ScalarSelect[Any]:
    """Of an engine in a query something of its newest measurement that was not noisy, else of its newest."""
    quiet_first = (benchmark.c.noisy, benchmark.c.created_at.desc(), benchmark.c.id)
    query = select(what).where(benchmark.c.engine_id == engine.c.id).order_by(*quiet_first).limit(1)
    return query.correlate(engine).scalar_subquery()


def _query() -> Select[Any]:
    return (
        select(
            *(getattr(engine.c, name) for name in _COLUMNS),
            device.c.name.label("built_on"),
            newest_verdict().label("verdict"),
            benchmark.c.median_ms,
            benchmark.c.p99_ms,
            func.coalesce(benchmark.c.noisy, false()).label("noisy"),
            tag.c.model.is_not(None).label("current"),
        )
        .join(device, device.c.id == engine.c.device_id)
        .outerjoin(benchmark, benchmark.c.id == quietest(benchmark.c.id))
        .outerjoin(tag, and_(tag.c.name == engine.c.model_name, tag.c.model == engine.c.model))
    )


_COLUMNS = (
    "id",
    "key",
    "model",
    "model_name",
    "label",
    "gpu",
    "backend",
    "backend_version",
    "precision",
    "requirement",
    "size_bytes",
    "degraded",
    "quarantined",
    "pinned",
    "created_at",
    "removed_at",
)


def _row(row: Any) -> EngineRow:
    told = {**row, "precision": Precision(row["precision"])}
    told.update({name: bool(row[name]) for name in ("noisy", "current")})
    return EngineRow(**{**told, "requirement": requirement_of(row["requirement"])})
