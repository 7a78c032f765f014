"""An index of the engines in quarantine: a monitor counts them every few seconds."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    where = sa.text("removed_at IS NULL AND quarantined")
    op.create_index("ix_engine_quarantined", "engine", ["created_at"], sqlite_where=where, postgresql_where=where)
