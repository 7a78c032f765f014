"""Request keys, wherever they were written down."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from farm.protocol.codec import loads
from farm.protocol.engine import EngineManifest
from farm.protocol.keys import RequestKey
from farm.protocol.requirement import EngineRequirement

from .tables import build, engine, request, tag


@dataclass(frozen=True)
class FoundKey:
    """A key, the id of what it was found at, and what its engine asks of a device where there is one."""

    key: RequestKey
    source: str
    requirement: EngineRequirement | None = None


def of_engine(connection: Connection, engine_id: str) -> FoundKey | None:
    """The key of an engine, removed or not."""
    query = select(engine.c.manifest, engine.c.requirement).where(engine.c.id == engine_id)
    row = connection.execute(query).first()
    if row is None:
        return None
    return FoundKey(loads(EngineManifest, row.manifest).key, engine_id, loads(EngineRequirement, row.requirement))


def of_build(connection: Connection, build_id: str) -> FoundKey | None:
    """The key of a build."""
    spec = connection.execute(select(build.c.spec).where(build.c.id == build_id)).scalar()
    return FoundKey(loads(RequestKey, spec), build_id) if spec else None


def of_request(connection: Connection, request_id: str) -> FoundKey | None:
    """The key of a request: of its build, or of the engine it was answered with."""
    row = connection.execute(select(request.c.key).where(request.c.id == request_id)).first()
    return of_digest(connection, row.key) if row else None


def of_digest(connection: Connection, digest: str) -> FoundKey | None:
    """A key by its digest, or by a beginning of it that only one key has."""
    for table, found in ((engine, of_engine), (build, of_build)):
        columns = select(table.c.key, table.c.id).where(table.c.key >= digest, table.c.key < digest + "g")
        rows = connection.execute(columns.order_by(table.c.key, table.c.created_at.desc()).limit(50)).all()
        if rows and len({row.key for row in rows}) == 1:
            return found(connection, rows[0].id)
    return None


def of_name(connection: Connection, name: str) -> FoundKey | None:
    """The key of the newest build of the model that a name points at."""
    newest = (
        select(build.c.id)
        .join(tag, tag.c.model == build.c.model)
        .where(tag.c.name == name)
        .order_by(build.c.created_at.desc())
        .limit(1)
    )
    found = connection.execute(newest).scalar()
    return of_build(connection, found) if found else None
