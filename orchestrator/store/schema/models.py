"""Bytes, models, the names that point at them, and what hosts made of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, Table, Text, text

from .base import DIGEST, ID, NAME, STATE, metadata

blob = Table(
    "blob",
    metadata,
    Column("sha256", DIGEST, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("stored_at", Float, nullable=False),
)

model = Table(
    "model",
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("manifest", Text, nullable=False, comment="ModelManifest"),
    Column("size_bytes", BigInteger, nullable=False),
    Column("created_at", Float, nullable=False),
)

tag = Table(
    "tag",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("model", ForeignKey("model.digest"), nullable=False),
    Column("earlier", Text, nullable=False, comment="JSON list of digests it pointed at, newest first, at most 20"),
    Column("updated_at", Float, nullable=False),
    Index("ix_tag_model", "model"),
)

preparation = Table(
    "preparation",
    metadata,
    Column("id", ID, primary_key=True),
    Column("key", DIGEST, nullable=False, comment="digest of the PreparationKey"),
    Column("spec", Text, nullable=False, comment="PreparationKey"),
    Column("model", ForeignKey("model.digest"), nullable=False),
    Column("state", STATE, nullable=False),
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
