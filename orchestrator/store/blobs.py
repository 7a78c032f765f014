"""Rows of stored blobs."""

from __future__ import annotations

from sqlalchemy import Connection, func, select
from sqlalchemy.dialects import postgresql, sqlite

from .tables import blob


def put(connection: Connection, sha256: str, size_bytes: int, at: float) -> None:
    """Note that a blob is stored; a repeat changes nothing."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = dialect.insert(blob).values(sha256=sha256, size_bytes=size_bytes, stored_at=at)
    connection.execute(row.on_conflict_do_nothing())


def total_bytes(connection: Connection) -> int:
    """What all blobs take together."""
    return int(connection.execute(select(func.coalesce(func.sum(blob.c.size_bytes), 0))).scalar_one())
