"""Devices, what they can build for, and tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_device()
    _create_device_target()
    _create_target_word()
    _create_token()


def _create_device() -> None:
    op.create_table(
        "device",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False, comment="facts from a file; never builds"),
        sa.Column("facts", sa.Text(), nullable=False, comment="DeviceFacts"),
        sa.Column("roles", sa.Text(), nullable=False, comment="JSON list of Role"),
        sa.Column("slots", sa.Text(), nullable=False, comment="JSON list of slot names"),
        sa.Column(
            "allowed", sa.Text(), nullable=False, comment="JSON list of target words it may serve; empty means all"
        ),
        sa.Column("trust_group", sa.String(length=128), nullable=False),
        sa.Column("draining", sa.Boolean(), nullable=False),
        sa.Column("retired", sa.Boolean(), nullable=False),
        sa.Column("lost_leases", sa.Integer(), nullable=False, comment="in a row; the device rests after too many"),
        sa.Column("rests_until", sa.Float(), nullable=True, comment="it gets no work before"),
        sa.Column("telemetry", sa.Text(), nullable=False, comment="JSON numbers by name"),
        sa.Column("telemetry_at", sa.Float(), nullable=True),
        sa.Column("enrolled_at", sa.Float(), nullable=False),
        sa.Column("last_seen_at", sa.Float(), nullable=True),
        sa.Column("woken_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device")),
        sa.UniqueConstraint("name", name=op.f("uq_device_name")),
    )


def _create_device_target() -> None:
    op.create_table(
        "device_target",
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("target_digest", sa.String(length=64), nullable=False, comment="digest of the BuildTarget"),
        sa.Column("target", sa.Text(), nullable=False, comment="BuildTarget"),
        sa.ForeignKeyConstraint(
            ["device_id"], ["device.id"], name=op.f("fk_device_target_device_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", "target_digest", name=op.f("pk_device_target")),
    )
    op.create_index("ix_device_target_target_digest", "device_target", ["target_digest"])


def _create_target_word() -> None:
    op.create_table(
        "target_word",
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("aliases", sa.Text(), nullable=False, comment="JSON list"),
        sa.Column("filter", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_target_word")),
    )


def _create_token() -> None:
    op.create_table(
        "token",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column(
            "secret_hash", sa.String(length=64), nullable=False, comment="sha256 of 256 random bits: no salt needed"
        ),
        sa.Column("device", sa.String(length=128), nullable=True, comment="name of the device it is tied to"),
        sa.Column("targets", sa.Text(), nullable=False, comment="JSON list of words it may enrol for; empty means all"),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("revoked_at", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_token")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_token_secret_hash")),
    )
