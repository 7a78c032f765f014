"""Indexes for lists, and for how long builds took."""

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
    op.create_index("ix_build_target_digest", "build", ["target_digest", "created_at"])
    op.create_index("ix_build_device_id", "build", ["device_id", "created_at"])
    _create_partial("ix_build_ended", "build", ["target_digest", "ended_at"], "NOT active")
    op.create_index("ix_request_state", "request", ["state", "submission_id"])
    op.create_index("ix_engine_model_name", "engine", ["model_name", "created_at"])
    _create_partial("ix_engine_good", "engine", ["model"], "removed_at IS NULL AND NOT quarantined")


def _create_partial(name: str, table: str, columns: list[str], condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
