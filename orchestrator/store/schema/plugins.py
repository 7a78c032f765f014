"""Plugins: their sources, the names that point at these, compiled libraries, and which models have which operators."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Table, Text

from .base import DIGEST, ID, NAME, metadata

plugin_source = Table(
    "plugin_source",
    metadata,
    Column("digest", DIGEST, primary_key=True),
    Column("name", NAME, nullable=False),
    Column("manifest", Text, nullable=False, comment="PluginManifest"),
    Column("files", Text, nullable=False, comment="PluginSource"),
    Column("kept_at", Float, nullable=False, comment="when somebody added it, or asked for it"),
)

plugin = Table(
    "plugin",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("source", ForeignKey("plugin_source.digest"), nullable=False),
    Column("builtin", Boolean, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("updated_by", NAME, nullable=False),
)

# The first that is compiled stays: whoever was given it and whoever made it run the same.
plugin_library = Table(
    "plugin_library",
    metadata,
    Column("key", DIGEST, primary_key=True, comment="digest of the PluginKey"),
    Column("target_digest", DIGEST, primary_key=True),
    Column("trust_group", NAME, primary_key=True),
    Column("spec", Text, nullable=False, comment="PluginKey"),
    Column("plugin", NAME, nullable=False),
    Column("source", DIGEST, nullable=False),
    Column("sha256", DIGEST, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("label", Text, nullable=False, comment="of the target"),
    Column("device", NAME, nullable=False),
    Column("attempt_id", ID, nullable=False),
    Column("compile_s", Float, nullable=False),
    Column("compilers", Text, nullable=False, comment="JSON object"),
    Column("inspected", Text, nullable=False, comment="JSON object"),
    Column("created_at", Float, nullable=False),
    Index("ix_plugin_library_source", "source", "target_digest"),
    Index("ix_plugin_library_sha256", "sha256"),
)

# Outlives the preparation that found them: an engine's key must be known when its graph is not stored any more.
plugin_operators = Table(
    "plugin_operators",
    metadata,
    Column("model", DIGEST, primary_key=True),
    Column("recipe", DIGEST, primary_key=True, comment="digest of the PreparationRecipe"),
    Column("operators", Text, nullable=False, comment="JSON list"),
)
