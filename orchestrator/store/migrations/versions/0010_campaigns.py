"""Upgrade campaigns: the engines that each builds anew, and the submissions that it made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "campaign",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("asked", sa.Text, nullable=False, comment="CampaignAsk"),
        sa.Column("backend", sa.String(128), nullable=False),
        sa.Column("version", sa.String(64), nullable=False, comment="full version of the toolchain"),
        sa.Column("state", sa.String(16), nullable=False, comment="CampaignState"),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("created_by", sa.String(128), nullable=False, comment="name of the token"),
        sa.Column("token_id", sa.String(32), nullable=False),
        sa.Column("idempotency", sa.String(128)),
        sa.Column("decided_at", sa.Float),
        sa.Column("decided_by", sa.String(128), nullable=False),
        sa.Column("promoted_at", sa.Float),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("token_id", "idempotency", name=op.f("uq_campaign_token_id_idempotency")),
    )
    op.create_index("ix_campaign_state", "campaign", ["state"])
    op.create_index("ix_campaign_created_at", "campaign", ["created_at"])
    _items()
    op.create_table(
        "campaign_submission",
        sa.Column("submission_id", sa.String(32), nullable=False),
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("submission_id", name=op.f("pk_campaign_submission")),
        _refers("campaign_submission", "submission_id", "submission", "id"),
        _refers("campaign_submission", "campaign_id", "campaign", "id"),
    )
    op.create_index("ix_campaign_submission_model", "campaign_submission", ["model"])
    # Who asked for an engine, beside the campaign that had it built.
    op.create_index("ix_request_engine_id", "request", ["engine_id"])


def _items() -> None:
    former = "what it is compared with, and what a rollback leaves"
    made = "that asks for the new one; none before"
    op.create_table(
        "campaign_item",
        sa.Column("campaign_id", sa.String(32), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("model_name", sa.String(128), nullable=False),
        sa.Column("precision", sa.String(16), nullable=False),
        sa.Column("target", sa.Text, nullable=False, comment="BuildTarget"),
        sa.Column("former_engine_id", sa.String(32), nullable=False, comment=former),
        sa.Column("source_submission_id", sa.String(32), nullable=False, comment="that asked for the former"),
        sa.Column("submission_id", sa.String(32), comment=made),
        sa.Column("refusal", sa.Text, nullable=False, comment="why it could not be ordered"),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("campaign_id", "number", name=op.f("pk_campaign_item")),
        _refers("campaign_item", "campaign_id", "campaign", "id"),
        _refers("campaign_item", "model", "model", "digest"),
        _refers("campaign_item", "source_submission_id", "submission", "id"),
        _refers("campaign_item", "submission_id", "submission", "id"),
    )
    for column in ("model", "submission_id", "former_engine_id"):
        op.create_index(f"ix_campaign_item_{column}", "campaign_item", [column])


def _refers(table: str, column: str, to: str, key: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.{key}"], name=op.f(f"fk_{table}_{column}"))
