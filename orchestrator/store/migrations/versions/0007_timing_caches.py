"""The timing caches of the fleet."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "timing_cache",
        sa.Column("id", sa.String(32), nullable=False, comment="from the digest of its class"),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), comment="what builds are given; none once it was dropped"),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("swaps", sa.Integer, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("certified", sa.String(64), comment="what --timing-cache certified pins"),
        sa.Column("certified_at", sa.Float),
        sa.Column("certified_by", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timing_cache")),
    )
    op.create_table(
        "timing_cache_version",
        sa.Column("timing_cache_id", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("device", sa.String(128), nullable=False),
        sa.Column("build_id", sa.String(32), nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.ForeignKeyConstraint(
            ["timing_cache_id"],
            ["timing_cache.id"],
            name=op.f("fk_timing_cache_version_timing_cache_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("timing_cache_id", "sha256", name=op.f("pk_timing_cache_version")),
    )
    op.create_index("ix_timing_cache_version_sha256", "timing_cache_version", ["sha256"])
