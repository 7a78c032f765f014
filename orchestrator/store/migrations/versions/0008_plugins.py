"""Plugins, and the trust group of tokens."""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _sources()
    _libraries()
    op.create_table(
        "plugin_operators",
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("recipe", sa.String(64), nullable=False, comment="digest of the PreparationRecipe"),
        sa.Column("operators", sa.Text, nullable=False, comment="JSON list"),
        sa.PrimaryKeyConstraint("model", "recipe", name=op.f("pk_plugin_operators")),
    )
    _remember()
    group = sa.Column(
        "trust_group", sa.String(128), nullable=False, server_default="default", comment="that its device may be in"
    )
    op.add_column("token", group)


def _sources() -> None:
    op.create_table(
        "plugin_source",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("manifest", sa.Text, nullable=False, comment="PluginManifest"),
        sa.Column("files", sa.Text, nullable=False, comment="PluginSource"),
        sa.Column("kept_at", sa.Float, nullable=False, comment="when somebody added it, or asked for it"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_plugin_source")),
    )
    op.create_table(
        "plugin",
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("builtin", sa.Boolean, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
        sa.Column("updated_by", sa.String(128), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_plugin")),
        sa.ForeignKeyConstraint(["source"], ["plugin_source.digest"], name=op.f("fk_plugin_source")),
    )


def _libraries() -> None:
    op.create_table(
        "plugin_library",
        sa.Column("key", sa.String(64), nullable=False, comment="digest of the PluginKey"),
        sa.Column("target_digest", sa.String(64), nullable=False),
        sa.Column("trust_group", sa.String(128), nullable=False),
        sa.Column("spec", sa.Text, nullable=False, comment="PluginKey"),
        sa.Column("plugin", sa.String(128), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size_bytes", sa.BigInteger, nullable=False),
        sa.Column("label", sa.Text, nullable=False, comment="of the target"),
        sa.Column("device", sa.String(128), nullable=False),
        sa.Column("attempt_id", sa.String(32), nullable=False),
        sa.Column("compile_s", sa.Float, nullable=False),
        sa.Column("compilers", sa.Text, nullable=False, comment="JSON object"),
        sa.Column("inspected", sa.Text, nullable=False, comment="JSON object"),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("key", "target_digest", "trust_group", name=op.f("pk_plugin_library")),
    )
    op.create_index("ix_plugin_library_source", "plugin_library", ["source", "target_digest"])
    op.create_index("ix_plugin_library_sha256", "plugin_library", ["sha256"])


def _remember() -> None:
    """What preparations have found until now: engines that were built without a plugin keep their keys."""
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT model, spec, prepared FROM preparation WHERE prepared IS NOT NULL")).all()
    found = {}
    for model, spec, prepared in rows:
        recipe = json.dumps(json.loads(spec)["recipe"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        named = hashlib.sha256(recipe.encode()).hexdigest()
        found[model, named] = json.dumps(json.loads(prepared).get("plugin_operators", []))
    table = sa.table("plugin_operators", sa.column("model"), sa.column("recipe"), sa.column("operators"))
    op.bulk_insert(table, [{"model": m, "recipe": r, "operators": operators} for (m, r), operators in found.items()])
