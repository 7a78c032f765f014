"""Rows of models and of the names that point at them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping, Select, func, insert, select, update

from farm.protocol.codec import dumps
from farm.protocol.model import ModelManifest

from .database import Connection
from .tables import engine, model, tag

_EARLIER = 20


@dataclass(frozen=True)
class NameRow:
    """A name. `earlier` are the digests it pointed at before, newest first."""

    name: str
    model: str
    size_bytes: int
    updated_at: float
    engines: int
    earlier: tuple[str, ...]


def put(connection: Connection, manifest: ModelManifest, at: float) -> None:
    """Store a model, if it is new."""
    if connection.execute(select(model.c.digest).where(model.c.digest == manifest.digest)).first() is None:
        values = {"digest": manifest.digest, "manifest": dumps(manifest), "size_bytes": manifest.size_bytes}
        connection.execute(insert(model).values(**values, created_at=at))


def point(connection: Connection, name: str, digest: str, at: float) -> None:
    """Let a name point at a model that is stored."""
    row = connection.execute(select(tag.c.model, tag.c.earlier).where(tag.c.name == name)).first()
    if row is None:
        connection.execute(insert(tag).values(name=name, model=digest, earlier="[]", updated_at=at))
    elif row.model != digest:
        earlier = [row.model, *(old for old in json.loads(row.earlier) if old not in (row.model, digest))][:_EARLIER]
        moved = {"model": digest, "earlier": json.dumps(earlier), "updated_at": at}
        connection.execute(update(tag).where(tag.c.name == name).values(**moved))


def by_name(connection: Connection, name: str) -> NameRow | None:
    """One name."""
    row = connection.execute(_query().where(tag.c.name == name)).mappings().first()
    return _row(row) if row else None


def every(connection: Connection) -> tuple[NameRow, ...]:
    """All names, the one that moved last first."""
    rows = connection.execute(_query().order_by(tag.c.updated_at.desc(), tag.c.name)).mappings()
    return tuple(_row(row) for row in rows)


def digest_of(connection: Connection, name: str) -> str | None:
    """The model that a name points at now."""
    found: str | None = connection.execute(select(tag.c.model).where(tag.c.name == name)).scalar()
    return found


def _query() -> Select[Any]:
    fetchable = (engine.c.model == tag.c.model) & engine.c.removed_at.is_(None) & ~engine.c.quarantined
    count = select(func.count()).select_from(engine).where(fetchable).scalar_subquery()
    return select(tag, model.c.size_bytes, count.label("engines")).join(model, model.c.digest == tag.c.model)


def _row(row: RowMapping) -> NameRow:
    return NameRow(**{**row, "earlier": tuple(json.loads(row["earlier"]))})
