"""Rows of verifications and measurements across engines: of one model on every device, and over time."""

from __future__ import annotations

from dataclasses import dataclass

import orjson
from sqlalchemy import Connection, select

from farm.protocol.codec import loads
from farm.protocol.engine import EngineManifest
from farm.protocol.report import BenchmarkReport, VerificationReport
from orchestrator.rules.comparison import named_protocol, named_shapes

from .engines import newest_verified, quietest
from .tables import benchmark, device, engine, verification

_LOOKED_AT = 500


@dataclass(frozen=True)
class Proof:
    """A verification of an engine of a model.

    Attributes:
        policy: Digest; equal ones were held against the same references.
    """

    id: str
    engine: str
    device: str
    label: str
    precision: str
    policy: str
    created_at: float


@dataclass(frozen=True)
class Point:
    """A measurement of an engine.

    Attributes:
        median_ms: None where it was too noisy.
        device: Where it was measured.
    """

    engine: str
    label: str
    precision: str
    model: str
    device: str
    at: float
    noisy: bool
    median_ms: float | None
    p90_ms: float | None
    cv_percent: float
    protocol: str
    shapes: str


def of_model(connection: Connection, digest: str, precision: str | None = None) -> tuple[Proof, ...]:
    """The newest verification of a model for each device, target and precision, by target and device."""
    query = (
        select(
            verification.c.id,
            engine.c.id,
            device.c.name,
            engine.c.label,
            engine.c.precision,
            verification.c.policy,
            verification.c.created_at,
        )
        .join(engine, engine.c.id == verification.c.engine_id)
        .join(device, device.c.id == verification.c.device_id)
        .where(engine.c.model == digest, engine.c.removed_at.is_(None))
        .order_by(verification.c.created_at.desc(), verification.c.id)
    )
    if precision is not None:
        query = query.where(engine.c.precision == precision)
    newest: dict[tuple[str, str, str], Proof] = {}
    for row in connection.execute(query.limit(_LOOKED_AT)).all():
        proof = Proof(*row)
        newest.setdefault((proof.label, proof.device, proof.precision), proof)
    return tuple(newest[place] for place in sorted(newest))


def reports(connection: Connection, ids: tuple[str, ...]) -> dict[str, VerificationReport]:
    """Verifications by id."""
    query = select(verification.c.id, verification.c.report).where(verification.c.id.in_(ids))
    return {row.id: loads(VerificationReport, row.report) for row in connection.execute(query).all()}


def measured_labels(connection: Connection, name: str) -> tuple[str, ...]:
    """The labels for which an engine of a name was ever measured, in their order."""
    measured = select(benchmark.c.id).where(benchmark.c.engine_id == engine.c.id).exists()
    query = select(engine.c.label).where(engine.c.model_name == name, measured).distinct().order_by(engine.c.label)
    return tuple(connection.execute(query).scalars())


def times(connection: Connection, name: str, label: str, limit: int) -> tuple[Point, ...]:
    """The newest measurements of engines of a name for a target, newest first; also of engines that were removed."""
    query = (
        select(
            engine.c.id,
            engine.c.label,
            engine.c.precision,
            engine.c.model,
            device.c.name,
            benchmark.c.created_at,
            benchmark.c.noisy,
            benchmark.c.median_ms,
            benchmark.c.report,
        )
        .join(engine, engine.c.id == benchmark.c.engine_id)
        .join(device, device.c.id == benchmark.c.device_id)
        .where(engine.c.model_name == name, engine.c.label == label)
        .order_by(engine.c.created_at.desc(), engine.c.id, benchmark.c.created_at.desc())
        .limit(limit)
    )
    return tuple(Point(*row[:8], *_of_report(row[8])) for row in connection.execute(query).all())


def _of_report(text: str) -> tuple[float | None, float, str, str]:
    # The codec would check all evidence of two hundred reports, of which four words are shown.
    told = orjson.loads(text)
    latency = told["latency"] or {}
    named = named_protocol(told["method"], told["protocol"])
    return latency.get("p90_ms"), told["cv_percent"], named, named_shapes(told["evidence"])


@dataclass(frozen=True)
class Evidence:
    """What is known of an engine: its manifest, its newest verification, its newest measurement that was not noisy."""

    manifest: EngineManifest
    verification: VerificationReport | None
    benchmark: BenchmarkReport | None


def of_engines(connection: Connection, ids: tuple[str, ...]) -> dict[str, Evidence]:
    """What is known of engines, by id."""
    query = (
        select(engine.c.id, engine.c.manifest, verification.c.report, benchmark.c.report)
        .outerjoin(verification, verification.c.id == newest_verified(verification.c.id))
        .outerjoin(benchmark, benchmark.c.id == quietest(benchmark.c.id))
        .where(engine.c.id.in_(ids))
    )
    return {
        engine_id: Evidence(
            loads(EngineManifest, manifest),
            loads(VerificationReport, proof) if proof else None,
            loads(BenchmarkReport, measured) if measured else None,
        )
        for engine_id, manifest, proof, measured in connection.execute(query).all()
    }
