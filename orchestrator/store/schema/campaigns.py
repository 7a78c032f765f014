"""Upgrade campaigns, and the engines that each builds anew."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, Table, Text, UniqueConstraint

from .base import DIGEST, ID, NAME, STATE, metadata

campaign = Table(
    "campaign",
    metadata,
    Column("id", ID, primary_key=True),
    Column("asked", Text, nullable=False, comment="CampaignAsk"),
    Column("backend", NAME, nullable=False),
    Column("version", String(64), nullable=False, comment="full version of the toolchain"),
    Column("state", STATE, nullable=False, comment="CampaignState"),
    Column("reason", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", NAME, nullable=False, comment="name of the token"),
    Column("token_id", ID, nullable=False),
    Column("idempotency", NAME),
    Column("decided_at", Float),
    Column("decided_by", NAME, nullable=False),
    Column("promoted_at", Float),
    UniqueConstraint("token_id", "idempotency"),
    Index("ix_campaign_state", "state"),
    Index("ix_campaign_created_at", "created_at"),
)

# What is not ordered yet has neither a submission nor a refusal: a coordinator that starts again goes on there.
campaign_item = Table(
    "campaign_item",
    metadata,
    Column("campaign_id", ForeignKey("campaign.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("model", ForeignKey("model.digest"), nullable=False),
    Column("model_name", NAME, nullable=False),
    Column("precision", STATE, nullable=False),
    Column("target", Text, nullable=False, comment="BuildTarget"),
    Column("former_engine_id", ID, nullable=False, comment="what it is compared with, and what a rollback leaves"),
    Column("source_submission_id", ForeignKey("submission.id"), nullable=False, comment="that asked for the former"),
    Column("submission_id", ForeignKey("submission.id"), comment="that asks for the new one; none before"),
    Column("refusal", Text, nullable=False, comment="why it could not be ordered"),
    Column("tries", Integer, nullable=False),
    Index("ix_campaign_item_model", "model"),
    Index("ix_campaign_item_submission_id", "submission_id"),
    Index("ix_campaign_item_former_engine_id", "former_engine_id"),
)

# Every submission that a campaign made, of earlier tries, too: nobody else asked for what came out of them.
campaign_submission = Table(
    "campaign_submission",
    metadata,
    Column("submission_id", ForeignKey("submission.id"), primary_key=True),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("model", DIGEST, nullable=False),
    Index("ix_campaign_submission_model", "model"),
)
