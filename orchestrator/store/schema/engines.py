"""Engines with their evidence."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, String, Table, Text, text

from .base import DIGEST, ID, NAME, STATE, metadata

engine = Table(
    "engine",
    metadata,
    Column("id", ID, primary_key=True),
    Column("key", DIGEST, nullable=False, comment="digest of the RequestKey"),
    Column("model", ForeignKey("model.digest"), nullable=False),
    Column("model_name", NAME, nullable=False),
    Column("build_id", ForeignKey("build.id"), nullable=False),
    Column("device_id", ForeignKey("device.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("gpu", NAME, nullable=False, comment="name of the card, or cpu"),
    Column("compute_capability", String(8), nullable=False),
    Column("backend", NAME, nullable=False),
    Column("backend_version", NAME, nullable=False),
    Column("platform", NAME, nullable=False),
    Column("precision", STATE, nullable=False),
    Column("requirement", Text, nullable=False, comment="EngineRequirement"),
    Column("manifest", Text, nullable=False, comment="EngineManifest without its newest reports"),
    Column("size_bytes", BigInteger, nullable=False),
    Column("degraded", Boolean, nullable=False),
    Column("quarantined", Boolean, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("fetched_at", Float),
    Column("removed_at", Float),
    Index("ix_engine_key", "key", "created_at"),
    Index("ix_engine_model", "model", "created_at"),
    Index("ix_engine_model_name", "model_name", "created_at"),
    Index("ix_engine_cell", "label", "model_name", "created_at"),
    Index(
        "ix_engine_good",
        "model",
        sqlite_where=text("removed_at IS NULL AND NOT quarantined"),
        postgresql_where=text("removed_at IS NULL AND NOT quarantined"),
    ),
    Index(
        "ix_engine_quarantined",
        "created_at",
        sqlite_where=text("removed_at IS NULL AND quarantined"),
        postgresql_where=text("removed_at IS NULL AND quarantined"),
    ),
    Index("ix_engine_gpu", "gpu", "created_at"),
    Index("ix_engine_created_at", "created_at"),
)

# Every blob an engine or a preparation needs: what garbage collection must keep, and what a lease may read.
engine_blob = Table(
    "engine_blob",
    metadata,
    Column("engine_id", ForeignKey("engine.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", DIGEST, primary_key=True),
    Index("ix_engine_blob_sha256", "sha256"),
)

verification = Table(
    "verification",
    metadata,
    Column("id", ID, primary_key=True),
    Column("engine_id", ForeignKey("engine.id", ondelete="CASCADE"), nullable=False),
    Column("policy", DIGEST, nullable=False, comment="digest of (VerifyPolicy, preparation key)"),
    Column("verdict", STATE, nullable=False),
    Column("report", Text, nullable=False, comment="VerificationReport"),
    Column("device_id", ID, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("ix_verification_engine_id", "engine_id", "created_at"),
)

benchmark = Table(
    "benchmark",
    metadata,
    Column("id", ID, primary_key=True),
    Column("engine_id", ForeignKey("engine.id", ondelete="CASCADE"), nullable=False),
    Column("policy", DIGEST, nullable=False, comment="digest of the BenchmarkPolicy"),
    Column("noisy", Boolean, nullable=False),
    Column("median_ms", Float),
    Column("p99_ms", Float),
    Column("report", Text, nullable=False, comment="BenchmarkReport"),
    Column("device_id", ID, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("ix_benchmark_engine_id", "engine_id", "created_at"),
)
