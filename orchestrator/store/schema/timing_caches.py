"""Timing caches: one for each class of device and TensorRT, with the states that are still stored."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Index, Integer, Table, Text

from .base import DIGEST, ID, NAME, metadata

timing_cache = Table(
    "timing_cache",
    metadata,
    Column("id", ID, primary_key=True, comment="from the digest of its class"),
    Column("label", Text, nullable=False),
    Column("sha256", DIGEST, comment="what builds are given; none once it was dropped"),
    Column("size_bytes", BigInteger, nullable=False),
    Column("swaps", Integer, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("certified", DIGEST, comment="what --timing-cache certified pins"),
    Column("certified_at", Float),
    Column("certified_by", NAME, nullable=False),
)

timing_cache_version = Table(
    "timing_cache_version",
    metadata,
    Column("timing_cache_id", ForeignKey("timing_cache.id", ondelete="CASCADE"), primary_key=True),
    Column("sha256", DIGEST, primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("device", NAME, nullable=False),
    Column("build_id", ID, nullable=False),
    Column("created_at", Float, nullable=False),
    Index("ix_timing_cache_version_sha256", "sha256"),
)
