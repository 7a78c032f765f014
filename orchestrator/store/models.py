"""Rows of models and of the names that point at them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select

from . import statements
from .database import Connection
from .tables import engine, model, tag


@dataclass(frozen=True)
class NameRow:
    """A name. `earlier` are the digests it pointed at before, newest first."""

    name: str
    model: str
    size_bytes: int
    updated_at: float
    engines: int
    earlier: tuple[str, ...]


def by_name(connection: Connection, name: str) -> NameRow | None:
    """One name."""
    row = connection.execute(_query().where(tag.c.name == name)).mappings().first()
    return _row(row) if row else None


def every(connection: Connection) -> tuple[NameRow, ...]:
    """All names, the one that moved last first."""
    query = _query().order_by(tag.c.updated_at.desc(), tag.c.name)
    return tuple(_row(row) for row in statements.records(connection, query))


def _query() -> Select[Any]:
    fetchable = (engine.c.model == tag.c.model) & engine.c.removed_at.is_(None) & ~engine.c.quarantined
    count = select(func.count()).select_from(engine).where(fetchable).scalar_subquery()
    return select(tag, model.c.size_bytes, count.label("engines")).join(model, model.c.digest == tag.c.model)


def _row(row: Any) -> NameRow:
    return NameRow(**{**row, "earlier": tuple(json.loads(row["earlier"]))})
