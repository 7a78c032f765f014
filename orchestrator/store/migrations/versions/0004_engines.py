"""Engines with their evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_engine()
    _create_engine_blob()
    _create_verification()
    _create_benchmark()


def _create_engine() -> None:
    op.create_table(
        "engine",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False, comment="digest of the RequestKey"),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("model_name", sa.String(length=128), nullable=False),
        sa.Column("build_id", sa.String(length=32), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("gpu", sa.String(length=128), nullable=False, comment="name of the card, or cpu"),
        sa.Column("compute_capability", sa.String(length=8), nullable=False),
        sa.Column("backend", sa.String(length=128), nullable=False),
        sa.Column("backend_version", sa.String(length=128), nullable=False),
        sa.Column("platform", sa.String(length=128), nullable=False),
        sa.Column("precision", sa.String(length=16), nullable=False),
        sa.Column("requirement", sa.Text(), nullable=False, comment="EngineRequirement"),
        sa.Column("manifest", sa.Text(), nullable=False, comment="EngineManifest without its newest reports"),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("degraded", sa.Boolean(), nullable=False),
        sa.Column("quarantined", sa.Boolean(), nullable=False),
        sa.Column("pinned", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("fetched_at", sa.Float(), nullable=True),
        sa.Column("removed_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["build_id"], ["build.id"], name=op.f("fk_engine_build_id")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_engine_device_id")),
        sa.ForeignKeyConstraint(["model"], ["model.digest"], name=op.f("fk_engine_model")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engine")),
    )
    op.create_index("ix_engine_created_at", "engine", ["created_at"])
    op.create_index("ix_engine_gpu", "engine", ["gpu", "created_at"])
    op.create_index("ix_engine_key", "engine", ["key", "created_at"])
    op.create_index("ix_engine_model", "engine", ["model", "created_at"])


def _create_engine_blob() -> None:
    op.create_table(
        "engine_blob",
        sa.Column("engine_id", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["engine_id"], ["engine.id"], name=op.f("fk_engine_blob_engine_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("engine_id", "sha256", name=op.f("pk_engine_blob")),
    )
    op.create_index("ix_engine_blob_sha256", "engine_blob", ["sha256"])


def _create_verification() -> None:
    op.create_table(
        "verification",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("engine_id", sa.String(length=32), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False, comment="digest of (VerifyPolicy, preparation key)"),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("report", sa.Text(), nullable=False, comment="VerificationReport"),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["engine_id"], ["engine.id"], name=op.f("fk_verification_engine_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification")),
    )
    op.create_index("ix_verification_engine_id", "verification", ["engine_id", "created_at"])


def _create_benchmark() -> None:
    op.create_table(
        "benchmark",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("engine_id", sa.String(length=32), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False, comment="digest of the BenchmarkPolicy"),
        sa.Column("noisy", sa.Boolean(), nullable=False),
        sa.Column("median_ms", sa.Float(), nullable=True),
        sa.Column("p99_ms", sa.Float(), nullable=True),
        sa.Column("report", sa.Text(), nullable=False, comment="BenchmarkReport"),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["engine_id"], ["engine.id"], name=op.f("fk_benchmark_engine_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_benchmark")),
    )
    op.create_index("ix_benchmark_engine_id", "benchmark", ["engine_id", "created_at"])
