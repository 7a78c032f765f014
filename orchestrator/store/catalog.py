"""Models, and the names that point at them."""

from __future__ import annotations

import json

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from farm.protocol.codec import dumps, loads
from farm.protocol.model import ModelManifest

from .tables import model, tag

_EARLIER = 20


def put_model(connection: Connection, manifest: ModelManifest, at: float) -> str:
    """Store a model unless it is there, and return its digest."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = dialect.insert(model).values(
        digest=manifest.digest, manifest=dumps(manifest), size_bytes=manifest.size_bytes, created_at=at
    )
    connection.execute(row.on_conflict_do_nothing())
    return manifest.digest


def manifest_of(connection: Connection, digest: str) -> ModelManifest | None:
    """The files of a model."""
    text = connection.execute(select(model.c.manifest).where(model.c.digest == digest)).scalar()
    return loads(ModelManifest, text) if text else None


def point(connection: Connection, name: str, digest: str, at: float) -> bool:
    """Let a name point at a model; what it pointed at before becomes history. True when it moved.

    Raises: Raced: another transaction made the name.
    """
    row = connection.execute(select(tag).where(tag.c.name == name).with_for_update()).first()
    if row is None:
        connection.execute(insert(tag).values(name=name, model=digest, earlier="[]", updated_at=at))
        return True
    if row.model == digest:
        return False
    earlier = [row.model, *(item for item in json.loads(row.earlier) if item not in (row.model, digest))][:_EARLIER]
    connection.execute(
        update(tag).where(tag.c.name == name).values(model=digest, earlier=json.dumps(earlier), updated_at=at)
    )
    return True


def pointed_at(connection: Connection, name: str) -> str | None:
    """The model that a name points at."""
    return connection.execute(select(tag.c.model).where(tag.c.name == name)).scalar()
