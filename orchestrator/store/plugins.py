"""Rows of plugins: sources by digest, the names that point at them, and which graphs have which operators."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, delete, insert, select, update

from farm.protocol.codec import digest, dumps
from farm.protocol.keys import PreparationRecipe
from farm.protocol.plugins import PluginManifest, PluginSource

from .parsing import plugin_manifest_of, plugin_source_of
from .tables import plugin, plugin_operators, plugin_source


@dataclass(frozen=True)
class SourceRow:
    """One source of a plugin."""

    digest: str
    name: str
    manifest: PluginManifest
    source: PluginSource
    kept_at: float


@dataclass(frozen=True)
class PluginRow:
    """A name with the source that it points at."""

    stored: SourceRow
    builtin: bool
    updated_at: float
    updated_by: str

    @property
    def name(self) -> str:
        """Of the plugin."""
        return self.stored.name


_NAMED = select(plugin_source, plugin.c.builtin, plugin.c.updated_at, plugin.c.updated_by).join(
    plugin, plugin.c.source == plugin_source.c.digest
)


def every(connection: Connection) -> tuple[PluginRow, ...]:
    """Every plugin that has a name, in the order of the names."""
    return tuple(_plugin(row) for row in connection.execute(_NAMED.order_by(plugin.c.name)).all())


def by_name(connection: Connection, name: str) -> PluginRow | None:
    """The plugin of this name."""
    row = connection.execute(_NAMED.where(plugin.c.name == name)).first()
    return _plugin(row) if row else None


def sources(connection: Connection, digests: Collection[str]) -> dict[str, SourceRow]:
    """The sources with these digests that are stored."""
    rows = connection.execute(select(plugin_source).where(plugin_source.c.digest.in_(digests)))
    return {row.digest: _source(row) for row in rows}


def add_source(connection: Connection, row: SourceRow) -> None:
    """Store a source; one that is there is young again. Raises: Raced: another transaction stored it first."""
    if sources(connection, (row.digest,)):
        touch_sources(connection, (row.digest,), row.kept_at)
    else:
        values = {"digest": row.digest, "name": row.name, "kept_at": row.kept_at}
        texts = {"manifest": dumps(row.manifest), "files": dumps(row.source)}
        connection.execute(insert(plugin_source).values(**values, **texts))


def point(connection: Connection, row: PluginRow) -> None:
    """Let a name point at a source. Raises: Raced: another transaction named it first."""
    about = {
        "source": row.stored.digest,
        "builtin": row.builtin,
        "updated_at": row.updated_at,
        "updated_by": row.updated_by,
    }
    changed = connection.execute(update(plugin).where(plugin.c.name == row.name).values(**about))
    if not changed.rowcount:
        connection.execute(insert(plugin).values(name=row.name, **about))


def remove(connection: Connection, name: str) -> None:
    """Let a name point at nothing."""
    connection.execute(delete(plugin).where(plugin.c.name == name))


def touch_sources(connection: Connection, digests: Collection[str], at: float) -> None:
    """Make sources young again, before something refers to them."""
    connection.execute(update(plugin_source).where(plugin_source.c.digest.in_(digests)).values(kept_at=at))


def remove_sources(connection: Connection, kept_before: float, but: Collection[str]) -> None:
    """Forget sources that nobody added or asked for since then, but for these."""
    # Whoever makes one young meanwhile wins: the condition counts when the row is free.
    old = (plugin_source.c.kept_at < kept_before) & plugin_source.c.digest.not_in(but)
    connection.execute(delete(plugin_source).where(old))


def operators_of(connection: Connection, model: str, recipe: PreparationRecipe) -> tuple[str, ...] | None:
    """The operators that the prepared graph has and a plugin must compute; None until a host has prepared it."""
    found = select(plugin_operators.c.operators).where(_graph(model, recipe))
    text = connection.execute(found).scalar()
    return None if text is None else tuple(json.loads(text))


def remember_operators(
    connection: Connection, model: str, recipe: PreparationRecipe, operators: tuple[str, ...]
) -> None:
    """Note what a host found. Raises: Raced: another transaction noted it first."""
    text = json.dumps(operators)
    known = connection.execute(update(plugin_operators).where(_graph(model, recipe)).values(operators=text))
    if not known.rowcount:
        row = {"model": model, "recipe": digest(recipe), "operators": text}
        connection.execute(insert(plugin_operators).values(**row))


def _graph(model: str, recipe: PreparationRecipe) -> ColumnElement[bool]:
    return (plugin_operators.c.model == model) & (plugin_operators.c.recipe == digest(recipe))


def _source(row: Row[Any]) -> SourceRow:
    manifest, source = plugin_manifest_of(row.manifest), plugin_source_of(row.files)
    return SourceRow(row.digest, row.name, manifest, source, row.kept_at)


def _plugin(row: Row[Any]) -> PluginRow:
    return PluginRow(_source(row), bool(row.builtin), row.updated_at, row.updated_by)
