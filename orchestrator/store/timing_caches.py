"""Rows of timing caches, and of their states that are still stored."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from . import statements
from .tables import timing_cache, timing_cache_version


@dataclass(frozen=True)
class TimingCacheRow:
    """One cache; columns as they are stored."""

    id: str
    label: str
    updated_at: float
    sha256: str | None = None
    size_bytes: int = 0
    swaps: int = 0
    certified: str | None = None
    certified_at: float | None = None
    certified_by: str = ""


@dataclass(frozen=True)
class VersionRow:
    """A state of a cache; columns as they are stored."""

    timing_cache_id: str
    sha256: str
    size_bytes: int
    device: str
    build_id: str
    created_at: float


def by_id(connection: Connection, cache_id: str, lock: bool = False) -> TimingCacheRow | None:
    """The cache of this id; locked against other writers when asked."""
    row = connection.execute(statements.by_id(timing_cache, lock), {"id": cache_id}).mappings().first()
    return TimingCacheRow(**row) if row else None


def every(connection: Connection) -> tuple[TimingCacheRow, ...]:
    """Every cache, by its label."""
    query = select(timing_cache).order_by(timing_cache.c.label, timing_cache.c.id)
    return tuple(TimingCacheRow(**row) for row in connection.execute(query).mappings())


def add(connection: Connection, row: TimingCacheRow) -> None:
    """Store a cache. Raises: Raced: somebody was first."""
    connection.execute(insert(timing_cache).values(**asdict(row)))


def change(connection: Connection, cache_id: str, **columns: Any) -> None:
    """Change single columns."""
    statements.change(connection, timing_cache, cache_id, columns)


def versions(connection: Connection, cache_id: str) -> tuple[VersionRow, ...]:
    """The states of a cache that are still stored, newest first."""
    query = select(timing_cache_version).where(timing_cache_version.c.timing_cache_id == cache_id)
    ordered = query.order_by(timing_cache_version.c.created_at.desc(), timing_cache_version.c.sha256)
    return tuple(VersionRow(**row) for row in connection.execute(ordered).mappings())


def add_version(connection: Connection, row: VersionRow) -> None:
    """Store a state; one that was there before is there anew."""
    columns = timing_cache_version.c
    earlier = (columns.timing_cache_id == row.timing_cache_id) & (columns.sha256 == row.sha256)
    connection.execute(delete(timing_cache_version).where(earlier))
    connection.execute(insert(timing_cache_version).values(**asdict(row)))


def digests(connection: Connection, cache_id: str) -> frozenset[str]:
    """The digests of all states of a cache that are still stored."""
    query = select(timing_cache_version.c.sha256).where(timing_cache_version.c.timing_cache_id == cache_id)
    return frozenset(connection.execute(query).scalars())


def needed(connection: Connection) -> frozenset[str]:
    """The blobs of what builds are given now, and of what is certified."""
    rows = connection.execute(select(timing_cache.c.sha256, timing_cache.c.certified))
    return frozenset(sha256 for row in rows for sha256 in row if sha256)


def forget(connection: Connection, gone: tuple[str, ...]) -> None:
    """Drop the states whose blobs were deleted."""
    connection.execute(delete(timing_cache_version).where(timing_cache_version.c.sha256.in_(gone)))
