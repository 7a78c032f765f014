"""Submissions, requests, builds, attempts, events."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _create_submission()
    _create_build()
    _index_build()
    _create_request()
    _create_attempt()
    _index_attempt()
    _create_event()


def _create_submission() -> None:
    op.create_table(
        "submission",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("ask", sa.Text(), nullable=False, comment="SubmitAsk"),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.String(length=128), nullable=False, comment="name of the token"),
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("idempotency", sa.String(length=128), nullable=True),
        sa.Column("tags", sa.Text(), nullable=False, comment="JSON object"),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["model"], ["model.digest"], name=op.f("fk_submission_model")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission")),
        sa.UniqueConstraint("token_id", "idempotency", name=op.f("uq_submission_token_id_idempotency")),
    )
    op.create_index("ix_submission_created_at", "submission", ["created_at"])
    op.create_index("ix_submission_name", "submission", ["name", "created_at"])


def _create_build() -> None:
    op.create_table(
        "build",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False, comment="digest of the RequestKey"),
        sa.Column(
            "purpose",
            sa.String(length=64),
            nullable=False,
            comment="key, or key + policies for a re-verification; unique while active",
        ),
        sa.Column("spec", sa.Text(), nullable=False, comment="RequestKey"),
        sa.Column("target_digest", sa.String(length=64), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("precision", sa.String(length=16), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("model_name", sa.String(length=128), nullable=False),
        sa.Column("preparation_id", sa.String(length=32), nullable=False),
        sa.Column(
            "reuse_engine_id", sa.String(length=32), nullable=True, comment="only verify and measure this engine"
        ),
        sa.Column("verify", sa.Text(), nullable=False, comment="VerifyPolicy"),
        sa.Column("benchmark", sa.Text(), nullable=False, comment="BenchmarkPolicy"),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(length=32), nullable=True),
        sa.Column("engine_id", sa.String(length=32), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True, comment="Failure"),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("queued_at", sa.Float(), nullable=True),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("woken_at", sa.Float(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False, comment="fencing token of the newest lease"),
        sa.ForeignKeyConstraint(["model"], ["model.digest"], name=op.f("fk_build_model")),
        sa.ForeignKeyConstraint(["preparation_id"], ["preparation.id"], name=op.f("fk_build_preparation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_build")),
    )


def _index_build() -> None:
    op.create_index("ix_build_created_at", "build", ["created_at"])
    op.create_index("ix_build_key", "build", ["key", "created_at"])
    op.create_index("ix_build_model", "build", ["model", "created_at"])
    op.create_index("ix_build_preparation_id", "build", ["preparation_id"])
    op.create_index("ix_build_queue", "build", ["state", "target_digest", "priority", "queued_at"])
    op.create_index(
        "uq_build_active_purpose",
        "build",
        ["purpose"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )


def _create_request() -> None:
    op.create_table(
        "request",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("preparation_id", sa.String(length=32), nullable=True),
        sa.Column("build_id", sa.String(length=32), nullable=True),
        sa.Column("engine_id", sa.String(length=32), nullable=True),
        sa.Column(
            "state",
            sa.String(length=16),
            nullable=False,
            comment="own state once ended; an active one follows its build",
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["build_id"], ["build.id"], name=op.f("fk_request_build_id")),
        sa.ForeignKeyConstraint(["preparation_id"], ["preparation.id"], name=op.f("fk_request_preparation_id")),
        sa.ForeignKeyConstraint(["submission_id"], ["submission.id"], name=op.f("fk_request_submission_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_request")),
    )
    op.create_index("ix_request_build_id", "request", ["build_id"])
    op.create_index("ix_request_submission_id", "request", ["submission_id", "position"])


def _create_attempt() -> None:
    op.create_table(
        "attempt",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("build_id", sa.String(length=32), nullable=True),
        sa.Column("preparation_id", sa.String(length=32), nullable=True),
        sa.Column("device_id", sa.String(length=32), nullable=False),
        sa.Column("slot", sa.String(length=128), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column(
            "nonce",
            sa.String(length=128),
            nullable=False,
            comment="the worker's; a claim asked twice gets the same lease",
        ),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("lease_until", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("ended_at", sa.Float(), nullable=True),
        sa.Column("end", sa.String(length=16), nullable=True, comment="AttemptEnd"),
        sa.Column("stages", sa.Text(), nullable=False, comment="JSON list of {state, started_at, detail}"),
        sa.Column("failure", sa.Text(), nullable=True, comment="Failure"),
        sa.Column("child_ms", sa.Float(), nullable=False),
        sa.Column("cancel", sa.Text(), nullable=True, comment="why the coordinator wants it to stop"),
        sa.Column(
            "result_digest",
            sa.String(length=64),
            nullable=True,
            comment="of the published result: a repeat of it succeeds",
        ),
        sa.Column("log_bytes", sa.BigInteger(), nullable=False),
        sa.Column("log_chunks", sa.Text(), nullable=False, comment="JSON list of blob digests, oldest first"),
        sa.ForeignKeyConstraint(["build_id"], ["build.id"], name=op.f("fk_attempt_build_id")),
        sa.ForeignKeyConstraint(["device_id"], ["device.id"], name=op.f("fk_attempt_device_id")),
        sa.ForeignKeyConstraint(["preparation_id"], ["preparation.id"], name=op.f("fk_attempt_preparation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
        sa.UniqueConstraint("device_id", "nonce", name=op.f("uq_attempt_device_id_nonce")),
    )


def _index_attempt() -> None:
    op.create_index("ix_attempt_build_id", "attempt", ["build_id"])
    op.create_index(
        "ix_attempt_live",
        "attempt",
        ["lease_until"],
        unique=False,
        sqlite_where=sa.text("live"),
        postgresql_where=sa.text("live"),
    )
    op.create_index("ix_attempt_preparation_id", "attempt", ["preparation_id"])
    op.create_index(
        "uq_attempt_live_slot",
        "attempt",
        ["device_id", "slot"],
        unique=True,
        sqlite_where=sa.text("live"),
        postgresql_where=sa.text("live"),
    )


def _create_event() -> None:
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("submission_id", sa.String(length=32), nullable=True),
        sa.Column("build_id", sa.String(length=32), nullable=True),
        sa.Column("device", sa.String(length=128), nullable=True),
        sa.Column("data", sa.Text(), nullable=False, comment="JSON object"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_build_id", "event", ["build_id", "id"])
