"""Devices, what they can build for, and the tokens of everybody."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, Table, Text

from .base import DIGEST, ID, NAME, STATE, metadata

device = Table(
    "device",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", NAME, nullable=False, unique=True),
    Column("recorded", Boolean, nullable=False, comment="facts from a file; never builds"),
    Column("facts", Text, nullable=False, comment="DeviceFacts"),
    Column("roles", Text, nullable=False, comment="JSON list of Role"),
    Column("slots", Text, nullable=False, comment="JSON list of slot names"),
    Column("allowed", Text, nullable=False, comment="JSON list of target words it may serve; empty means all"),
    Column("trust_group", NAME, nullable=False),
    Column("draining", Boolean, nullable=False),
    Column("retired", Boolean, nullable=False),
    Column("lost_leases", Integer, nullable=False, comment="in a row; the device rests after too many"),
    Column("rests_until", Float, comment="it gets no work before"),
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
    Column("target_digest", DIGEST, primary_key=True, comment="digest of the BuildTarget"),
    Column("target", Text, nullable=False, comment="BuildTarget"),
    Index("ix_device_target_target_digest", "target_digest"),
)

target_word = Table(
    "target_word",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("aliases", Text, nullable=False, comment="JSON list"),
    Column("filter", Text, nullable=False),
    Column("description", Text, nullable=False),
)

token = Table(
    "token",
    metadata,
    Column("id", ID, primary_key=True),
    Column("name", NAME, nullable=False),
    Column("scope", STATE, nullable=False),
    Column("secret_hash", DIGEST, nullable=False, unique=True, comment="sha256 of 256 random bits: no salt needed"),
    Column("device", NAME, comment="name of the device it is tied to"),
    Column("targets", Text, nullable=False, comment="JSON list of words it may enrol for; empty means all"),
    Column("trust_group", NAME, nullable=False, server_default="default", comment="that its device may be in"),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float),
    Column("revoked_at", Float),
)
