"""Rows of compiled plugin libraries: one for each key, target and trust group, and the first stays."""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from .tables import plugin_library


@dataclass(frozen=True)
class Shelf:
    """Who shares libraries: devices of one target and trust group."""

    target_digest: str
    trust_group: str


@dataclass(frozen=True)
class LibraryRow:
    """A library; columns as they are stored."""

    key: str
    target_digest: str
    trust_group: str
    spec: str
    plugin: str
    source: str
    sha256: str
    size_bytes: int
    label: str
    device: str
    attempt_id: str
    compile_s: float
    compilers: dict[str, str]
    inspected: dict[str, Any]
    created_at: float


def find(connection: Connection, shelf: Shelf, key: str) -> LibraryRow | None:
    """The library with this key on a shelf."""
    query = select(plugin_library).where(_on(shelf), plugin_library.c.key == key)
    row = connection.execute(query).mappings().first()
    return _row(row) if row else None


def on_shelf(connection: Connection, shelf: Shelf, sources: Collection[str]) -> tuple[LibraryRow, ...]:
    """The libraries of these sources on a shelf."""
    query = select(plugin_library).where(_on(shelf), plugin_library.c.source.in_(sources))
    return tuple(_row(row) for row in connection.execute(query).mappings())


def of_source(connection: Connection, source: str) -> tuple[LibraryRow, ...]:
    """The libraries of a source, newest first."""
    query = select(plugin_library).where(plugin_library.c.source == source)
    ordered = query.order_by(plugin_library.c.created_at.desc(), plugin_library.c.sha256)
    return tuple(_row(row) for row in connection.execute(ordered).mappings())


def counts(connection: Connection) -> dict[str, int]:
    """How many libraries there are of each source."""
    query = select(plugin_library.c.source, func.count().label("libraries")).group_by(plugin_library.c.source)
    return {row.source: row.libraries for row in connection.execute(query)}


def add(connection: Connection, row: LibraryRow) -> None:
    """Store a library. Raises: Raced: somebody was first."""
    texts = {"compilers": json.dumps(row.compilers), "inspected": json.dumps(row.inspected)}
    connection.execute(insert(plugin_library).values(**{**asdict(row), **texts}))


def blobs_of(connection: Connection, sources: Collection[str]) -> frozenset[str]:
    """The blobs of all libraries of these sources."""
    query = select(plugin_library.c.sha256).where(plugin_library.c.source.in_(sources))
    return frozenset(connection.execute(query).scalars())


def forget(connection: Connection, gone: tuple[str, ...]) -> None:
    """Drop the libraries whose blobs were deleted."""
    connection.execute(delete(plugin_library).where(plugin_library.c.sha256.in_(gone)))


def _on(shelf: Shelf) -> ColumnElement[bool]:
    same = plugin_library.c.target_digest == shelf.target_digest
    return same & (plugin_library.c.trust_group == shelf.trust_group)


def _row(row: Any) -> LibraryRow:
    return LibraryRow(**{**row, "compilers": json.loads(row["compilers"]), "inspected": json.loads(row["inspected"])})
