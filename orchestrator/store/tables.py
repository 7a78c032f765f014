"""The schema. Times are seconds since the epoch on the coordinator's clock; values of the protocol are canonical JSON."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Ids are short, random, unguessable and say what they name: sub-…, req-…, bld-…, prp-…, att-…, eng-…, dev-…, tok-….
_ID = String(32)
_DIGEST = String(64)
_NAME = String(128)
_STATE = String(16)
# SQLite counts only in INTEGER PRIMARY KEY, PostgreSQL in BIGINT.
_SERIAL = BigInteger().with_variant(Integer(), "sqlite")

blob = Table(
    "blob",
    metadata,
    Column("sha256", _DIGEST, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("stored_at", Float, nullable=False),
)

model = Table(
    "model",
    metadata,
    Column("digest", _DIGEST, primary_key=True),
    Column("manifest", Text, nullable=False, comment="ModelManifest"),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
)

tag = Table(
    "tag",
    metadata,
    Column("name", _NAME, primary_key=True),
    Column("model", ForeignKey("model.digest"), nullable=False),
    Column("earlier", Text, nullable=False, comment="JSON list of digests it pointed at, newest first, at most 20"),
    Column("updated_at", Float, nullable=False),
    Index("ix_tag_model", "model"),
)

device = Table(
    "device",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", _NAME, nullable=False, unique=True),
    Column("recorded", Boolean, nullable=False, comment="facts from a file; never builds"),
    Column("facts", Text, nullable=False, comment="DeviceFacts"),
    Column("roles", Text, nullable=False, comment="JSON list of Role"),
    Column("slots", Text, nullable=False, comment="JSON list of slot names"),
    Column("allowed", Text, nullable=False, comment="JSON list of target words it may serve; empty means all"),
    Column("trust_group", _NAME, nullable=False),
    Column("draining", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("lost_leases", Integer, nullable=False, comment="in a row; the device rests after too many"),
    Column("telemetry", Text, nullable=False, comment="JSON numbers by name"),
    Column("telemetry_at", Float),
    Column("enrolled_at", Float, nullable=False),
    Column("last_seen_at", Float),
    Column("woken_at", Float),
)

# What a device can build for, one row for each target, so that a claim is a join and not a scan of facts.
device_target = Table(
    "device_target",
    metadata,
    Column("device_id", ForeignKey("device.id", ondelete="CASCADE"), primary_key=True),
    Column("target_digest", _DIGEST, primary_key=True, comment="digest of the BuildTarget"),
    Column("target", Text, nullable=False, comment="BuildTarget"),
    Index("ix_device_target_target_digest", "target_digest"),
)

target_word = Table(
    "target_word",
    metadata,
    Column("name", _NAME, primary_key=True),
    Column("aliases", Text, nullable=False, comment="JSON list"),
    Column("filter", Text, nullable=False),
    Column("description", Text, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("name", _NAME, nullable=False),
    Column("scope", _STATE, nullable=False),
    Column("secret_hash", _DIGEST, nullable=False, unique=True, comment="sha256 of 256 random bits: no salt needed"),
    Column("device", _NAME, comment="name of the device it is tied to"),
    Column("targets", Text, nullable=False, comment="JSON list of words it may enrol for; empty means all"),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
)

preparation = Table(
    "preparation",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("key", _DIGEST, nullable=False, comment="digest of the PreparationKey"),
    Column("spec", Text, nullable=False, comment="PreparationKey"),
    Column("model", ForeignKey("model.digest"), nullable=False),
    Column("state", _STATE, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("prepared", Text, comment="Prepared"),
    Column("failure", Text, comment="Failure"),
    Column("created_at", Float, nullable=False),
    Column("queued_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("woken_at", Float),
    Column("attempts", Integer, nullable=False),
    Column("token", Integer, nullable=False, comment="fencing token of the newest lease"),
    Index("ix_preparation_key", "key"),
    Index(
        "uq_preparation_active_key", "key", unique=True, sqlite_where=text("active"), postgresql_where=text("active")
    ),
    Index("ix_preparation_state", "state", "priority", "queued_at"),
)

build = Table(
    "build",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("key", _DIGEST, nullable=False, comment="digest of the RequestKey"),
    Column(
        "purpose", _DIGEST, nullable=False, comment="key, or key + policies for a re-verification; unique while active"
    ),
    Column("spec", Text, nullable=False, comment="RequestKey"),
    Column("target_digest", _DIGEST, nullable=False),
    Column("label", Text, nullable=False),
    Column("precision", _STATE, nullable=False),
    Column("model", ForeignKey("model.digest"), nullable=False),
    Column("model_name", _NAME, nullable=False),
    Column("preparation_id", ForeignKey("preparation.id"), nullable=False),
    Column("reuse_engine_id", _ID, comment="only verify and measure this engine"),
    Column("verify", Text, nullable=False, comment="VerifyPolicy"),
    Column("benchmark", Text, nullable=False, comment="BenchmarkPolicy"),
    Column("state", _STATE, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("device_id", _ID),
    Column("engine_id", _ID),
    Column("failure", Text, comment="Failure"),
    Column("created_at", Float, nullable=False),
    Column("queued_at", Float),
    Column("ended_at", Float),
    Column("woken_at", Float),
    Column("attempts", Integer, nullable=False),
    Column("token", Integer, nullable=False, comment="fencing token of the newest lease"),
    Index("ix_build_key", "key", "created_at"),
    Index(
        "uq_build_active_purpose", "purpose", unique=True, sqlite_where=text("active"), postgresql_where=text("active")
    ),
    Index("ix_build_queue", "state", "target_digest", "priority", "queued_at"),
    Index("ix_build_preparation_id", "preparation_id"),
    Index("ix_build_created_at", "created_at"),
    Index("ix_build_model", "model", "created_at"),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("build_id", ForeignKey("build.id")),
    Column("preparation_id", ForeignKey("preparation.id")),
    Column("device_id", ForeignKey("device.id"), nullable=False),
    Column("slot", _NAME, nullable=False),
    Column("number", Integer, nullable=False),
    Column("token", Integer, nullable=False),
    Column("nonce", _NAME, nullable=False, comment="the worker's; a claim asked twice gets the same lease"),
    Column("live", Boolean, nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("end", _STATE, comment="AttemptEnd"),
    Column("stages", Text, nullable=False, comment="JSON list of {state, started_at, detail}"),
    Column("failure", Text, comment="Failure"),
    Column("child_ms", Float, nullable=False),
    Column("cancel", Text, comment="why the coordinator wants it to stop"),
    Column("result_digest", _DIGEST, comment="of the published result: a repeat of it succeeds"),
    Column("log_bytes", BigInteger, nullable=False),
    Column("log_chunks", Text, nullable=False, comment="JSON list of blob digests, oldest first"),
    UniqueConstraint("device_id", "nonce"),
    Index(
        "uq_attempt_live_slot",
        "device_id",
        "slot",
        unique=True,
        sqlite_where=text("live"),
        postgresql_where=text("live"),
    ),
    Index("ix_attempt_live", "lease_until", sqlite_where=text("live"), postgresql_where=text("live")),
    Index("ix_attempt_build_id", "build_id"),
    Index("ix_attempt_preparation_id", "preparation_id"),
)

submission = Table(
    "submission",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("ask", Text, nullable=False, comment="SubmitAsk"),
    Column("name", _NAME, nullable=False),
    Column("model", ForeignKey("model.digest"), nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", _NAME, nullable=False, comment="name of the token"),
    Column("token_id", _ID, nullable=False),
    Column("idempotency", _NAME),
    Column("tags", Text, nullable=False, comment="JSON object"),
    Column("priority", Integer, nullable=False),
    UniqueConstraint("token_id", "idempotency"),
    Index("ix_submission_created_at", "created_at"),
    Index("ix_submission_name", "name", "created_at"),
)

request = Table(
    "request",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("submission_id", ForeignKey("submission.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("word", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("key", _DIGEST, nullable=False),
    Column("preparation_id", ForeignKey("preparation.id")),
    Column("build_id", ForeignKey("build.id")),
    Column("engine_id", _ID),
    Column("state", _STATE, nullable=False, comment="own state once ended; an active one follows its build"),
    Column("reason", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("ended_at", Float),
    Index("ix_request_submission_id", "submission_id", "position"),
    Index("ix_request_build_id", "build_id"),
)

engine = Table(
    "engine",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("key", _DIGEST, nullable=False, comment="digest of the RequestKey"),
    Column("model", ForeignKey("model.digest"), nullable=False),
    Column("model_name", _NAME, nullable=False),
    Column("build_id", ForeignKey("build.id"), nullable=False),
    Column("device_id", ForeignKey("device.id"), nullable=False),
    Column("label", Text, nullable=False),
    Column("gpu", _NAME, nullable=False, comment="name of the card, or cpu"),
    Column("compute_capability", String(8), nullable=False),
    Column("backend", _NAME, nullable=False),
    Column("backend_version", _NAME, nullable=False),
    Column("platform", _NAME, nullable=False),
    Column("precision", _STATE, nullable=False),
    Column("requirement", Text, nullable=False, comment="EngineRequirement"),
    Column("manifest", Text, nullable=False, comment="EngineManifest without its newest reports"),
    Column("size_bytes", BigInteger, nullable=False),
    Column("degraded", Boolean, nullable=False),
    Column("quarantined", Boolean, nullable=False),
    Column("pinned", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("fetched_at", Float),
    Column("removed_at", Float),
    Index("ix_engine_key", "key", "created_at"),
    Index("ix_engine_model", "model", "created_at"),
    Index("ix_engine_gpu", "gpu", "created_at"),
    Index("ix_engine_created_at", "created_at"),
)

# Every blob an engine or a preparation needs: what garbage collection must keep, and what a lease may read.
engine_blob = Table(
    "engine_blob",
    metadata,
    Column("engine_id", ForeignKey("engine.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", _DIGEST, primary_key=True),
    Index("ix_engine_blob_sha256", "sha256"),
)

verification = Table(
    "verification",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("engine_id", ForeignKey("engine.id", ondelete="CASCADE"), nullable=False),
    Column("policy", _DIGEST, nullable=False, comment="digest of (VerifyPolicy, preparation key)"),
    Column("verdict", _STATE, nullable=False),
    Column("report", Text, nullable=False, comment="VerificationReport"),
    Column("device_id", _ID, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("ix_verification_engine_id", "engine_id", "created_at"),
)

benchmark = Table(
    "benchmark",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("engine_id", ForeignKey("engine.id", ondelete="CASCADE"), nullable=False),
    Column("policy", _DIGEST, nullable=False, comment="digest of the BenchmarkPolicy"),
    Column("noisy", Boolean, nullable=False),
    Column("median_ms", Float),
    Column("p99_ms", Float),
    Column("report", Text, nullable=False, comment="BenchmarkReport"),
    Column("device_id", _ID, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("ix_benchmark_engine_id", "engine_id", "created_at"),
)

event = Table(
    "event",
    metadata,
    Column("id", _SERIAL, primary_key=True, autoincrement=True),
    Column("at", Float, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("submission_id", _ID),
    Column("build_id", _ID),
    Column("device", _NAME),
    Column("data", Text, nullable=False, comment="JSON object"),
    Index("ix_event_build_id", "build_id", "id"),
    sqlite_autoincrement=True,
)
