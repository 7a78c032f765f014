"""Models, the names that point at them, and their preparations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_blob()
    _create_model()
    _create_tag()
    _create_preparation()


def _create_blob() -> None:
    op.create_table(
        "blob",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("stored_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blob")),
    )


def _create_model() -> None:
    op.create_table(
        "model",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("manifest", sa.Text(), nullable=False, comment="ModelManifest"),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_model")),
    )


def _create_tag() -> None:
    op.create_table(
        "tag",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column(
            "earlier", sa.Text(), nullable=False, comment="JSON list of digests it pointed at, newest first, at most 20"
        ),
        sa.Column("updated_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["model"], ["model.digest"], name=op.f("fk_tag_model")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tag")),
    )
    op.create_index("ix_tag_model", "tag", ["model"])


def _create_preparation() -> None:
    op.create_table(
        "preparation",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False, comment="digest of the PreparationKey"),
        sa.Column("spec", sa.Text(), nullable=False, comment="PreparationKey"),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("prepared", sa.Text(), nullable=True, comment="Prepared"),
        sa.Column("failure", sa.Text(), nullable=True, comment="Failure"),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("queued_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("woken_at", sa.Float(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False, comment="fencing token of the newest lease"),
        sa.ForeignKeyConstraint(["model"], ["model.digest"], name=op.f("fk_preparation_model")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_preparation")),
    )
    op.create_index("ix_preparation_key", "preparation", ["key"])
    op.create_index("ix_preparation_state", "preparation", ["state", "priority", "queued_at"])
    op.create_index(
        "uq_preparation_active_key",
        "preparation",
        ["key"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
