"""Engines by key with their verdicts and measurements: what a hit is decided from, and what a publish adds."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, or_, select

from farm.protocol.codec import dumps, loads
from farm.protocol.engine import EngineManifest
from farm.protocol.report import BenchmarkReport, Verdict, VerificationReport
from orchestrator.rules.hits import Evidence

from .tables import benchmark, engine, engine_blob, request, verification

_ALIKE = 20


@dataclass(frozen=True)
class EngineRow:
    """One engine; columns as they are stored."""

    id: str
    key: str
    model: str
    model_name: str
    build_id: str
    device_id: str
    label: str
    gpu: str
    compute_capability: str
    backend: str
    backend_version: str
    platform: str
    precision: str
    requirement: str
    manifest: str
    size_bytes: int
    degraded: bool
    quarantined: bool
    created_at: float
    pinned: bool = False
    fetched_at: float | None = None
    removed_at: float | None = None

    @property
    def described(self) -> EngineManifest:
        """The manifest, without its newest reports."""
        return loads(EngineManifest, self.manifest)


@dataclass(frozen=True)
class Keyed:
    """An engine of some key: what is known about it, and the digests of the files that it consists of."""

    id: str
    evidence: Evidence
    files: tuple[str, ...]


def by_id(connection: Connection, engine_id: str) -> EngineRow | None:
    """The engine of this id, removed or not."""
    row = connection.execute(select(engine).where(engine.c.id == engine_id)).mappings().first()
    return EngineRow(**row) if row else None


def with_key(connection: Connection, key: str) -> tuple[Keyed, ...]:
    """The engines with this key that were not removed, newest first."""
    query = (
        select(engine.c.id, engine.c.degraded, engine.c.quarantined, engine.c.manifest)
        .where(engine.c.key == key, engine.c.removed_at.is_(None))
        .order_by(engine.c.created_at.desc())
    )
    found = tuple(connection.execute(query))
    if not found:
        return ()
    ids = [row.id for row in found]
    verdicts: dict[str, dict[str, Verdict]] = {item: {} for item in ids}
    for row in connection.execute(
        select(verification.c.engine_id, verification.c.policy, verification.c.verdict)
        .where(verification.c.engine_id.in_(ids))
        .order_by(verification.c.created_at)
    ):
        verdicts[row.engine_id][row.policy] = Verdict(row.verdict)
    measured: dict[str, set[str]] = {item: set() for item in ids}
    quiet = benchmark.c.engine_id.in_(ids) & ~benchmark.c.noisy
    policies = select(benchmark.c.engine_id, benchmark.c.policy).where(quiet)
    for engine_id, policy in connection.execute(policies):
        measured[engine_id].add(policy)
    return tuple(
        Keyed(
            row.id,
            Evidence(row.degraded, row.quarantined, verdicts[row.id], frozenset(measured[row.id])),
            tuple(item.sha256 for item in loads(EngineManifest, row.manifest).files),
        )
        for row in found
    )


def alike(connection: Connection, row: EngineRow) -> tuple[tuple[str, EngineManifest], ...]:
    """Engines that were built like this one before, of its model or name, newest first, removed ones too."""
    same = ("gpu", "backend", "backend_version", "platform", "precision")
    query = (
        select(engine.c.id, engine.c.manifest)
        .where(or_(engine.c.model == row.model, engine.c.model_name == row.model_name))
        .where(*(engine.c[name] == getattr(row, name) for name in same))
        .order_by(engine.c.created_at.desc())
        .limit(_ALIKE)
    )
    return tuple((found.id, loads(EngineManifest, found.manifest)) for found in connection.execute(query))


def add_engine(connection: Connection, row: EngineRow, blobs: frozenset[str]) -> None:
    """Store an engine with all blobs it needs."""
    connection.execute(insert(engine).values(**row.__dict__))
    connection.execute(insert(engine_blob), [{"engine_id": row.id, "sha256": item} for item in sorted(blobs)])


def keep_blob(connection: Connection, engine_id: str, sha256: str) -> None:
    """Note one more blob of an engine, such as the samples of a new measurement."""
    known = select(engine_blob.c.sha256).where(engine_blob.c.engine_id == engine_id, engine_blob.c.sha256 == sha256)
    if connection.execute(known).first() is None:
        connection.execute(insert(engine_blob).values(engine_id=engine_id, sha256=sha256))


def add_verification(connection: Connection, values: dict[str, Any], report: VerificationReport) -> None:
    """Store a verification; `values` are id, engine_id, policy, device_id and created_at."""
    connection.execute(insert(verification).values(**values, verdict=report.verdict, report=dumps(report)))


def add_benchmark(connection: Connection, values: dict[str, Any], report: BenchmarkReport) -> None:
    """Store a measurement; `values` are id, engine_id, policy, device_id and created_at."""
    latency = report.latency
    connection.execute(
        insert(benchmark).values(
            **values,
            noisy=report.noisy,
            median_ms=latency.median_ms if latency else None,
            p99_ms=latency.p99_ms if latency else None,
            report=dumps(report),
        )
    )


def noisy(connection: Connection, submission_ids: Collection[str]) -> frozenset[tuple[str, str]]:
    """Pairs of engine and benchmark policy whose newest measurement was too noisy, of the engines of submissions."""
    theirs = select(request.c.engine_id).where(request.c.submission_id.in_(submission_ids))
    query = (
        select(benchmark.c.engine_id, benchmark.c.policy, benchmark.c.noisy)
        .where(benchmark.c.engine_id.in_(theirs))
        .order_by(benchmark.c.created_at)
    )
    newest = {(row.engine_id, row.policy): row.noisy for row in connection.execute(query).all()}
    return frozenset(pair for pair, was_noisy in newest.items() if was_noisy)
