"""Indexes for the matrix of models and targets: the newest engine and the newest build of each of its cells."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("engine", "build"):
        op.create_index(f"ix_{table}_cell", table, ["label", "model_name", "created_at"])
