"""Indexes for lists of builds, and for how long builds took."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_build_model_name", "build", ["model_name", "created_at"])
    op.create_index("ix_build_state", "build", ["state", "created_at"])
    op.create_index("ix_build_device_id", "build", ["device_id", "created_at"])
    op.create_index(
        "ix_build_ended",
        "build",
        ["target_digest", "ended_at"],
        sqlite_where=sa.text("NOT active"),
        postgresql_where=sa.text("NOT active"),
    )
