"""What rows refer to: the blobs that garbage collection must keep, and the engines and preparations it may not."""

from __future__ import annotations

import json
from collections.abc import Iterator

from sqlalchemy import Connection, delete, exists, func, or_, select, update

from farm.protocol.codec import loads
from farm.protocol.engine import EngineManifest
from farm.protocol.keys import RequestKey
from farm.protocol.model import ModelManifest
from farm.protocol.states import State
from farm.protocol.submit import SubmitAsk
from farm.protocol.timing import pinned
from farm.protocol.work import Prepared
from orchestrator.rules.retention import StoredEngine

from . import plugin_libraries, plugins, serving, timing_caches
from .tables import (
    attempt,
    blob,
    build,
    engine,
    engine_blob,
    model,
    plugin,
    preparation,
    request,
    submission,
    tag,
)


def blobs(connection: Connection) -> frozenset[str]:
    """Every blob that a row refers to and needs."""
    found: set[str] = set(_of_engines(connection))
    found.update(_of_models(connection))
    found.update(_of_preparations(connection))
    found.update(_of_submissions(connection))
    found.update(_of_logs(connection))
    found.update(timing_caches.needed(connection))
    found.update(_of_plugins(connection))
    return frozenset(found)


def engines(connection: Connection) -> tuple[StoredEngine, ...]:
    """Every engine that is not removed, as retention sees it."""
    newer = engine.alias()
    superseded = exists().where(
        newer.c.key == engine.c.key,
        newer.c.removed_at.is_(None),
        ~newer.c.quarantined,
        newer.c.created_at > engine.c.created_at,
    )
    wanted = exists().where(build.c.active, or_(build.c.reuse_engine_id == engine.c.id, build.c.key == engine.c.key))
    query = select(
        engine.c.id,
        engine.c.model_name,
        engine.c.label,
        engine.c.precision,
        engine.c.created_at,
        func.coalesce(engine.c.fetched_at, engine.c.created_at).label("used_at"),
        engine.c.pinned,
        (exists().where(tag.c.model == engine.c.model) & ~superseded).label("current"),
        wanted.label("wanted"),
    ).where(engine.c.removed_at.is_(None))
    compared = serving.needed(connection)
    return tuple(
        StoredEngine(
            id=row.id,
            variant=(row.model_name, row.label, row.precision),
            created_at=row.created_at,
            used_at=row.used_at,
            pinned=bool(row.pinned),
            current=bool(row.current),
            wanted=bool(row.wanted) or row.id in compared,
        )
        for row in connection.execute(query)
    )


def remove_engines(connection: Connection, engine_ids: tuple[str, ...], at: float) -> None:
    """Remove engines: their rows stay for history, their blobs are nobody's any more."""
    connection.execute(update(engine).where(engine.c.id.in_(engine_ids)).values(removed_at=at))
    connection.execute(delete(engine_blob).where(engine_blob.c.engine_id.in_(engine_ids)))


def forget_preparations(connection: Connection, ended_before: float) -> int:
    """Give up prepared graphs that nothing has used since then and no name leads to; they can be made again."""
    used = exists().where(
        build.c.preparation_id == preparation.c.id,
        or_(build.c.active, func.coalesce(build.c.ended_at, build.c.created_at) >= ended_before),
    )
    old = preparation.c.id.in_(
        select(preparation.c.id).where(
            preparation.c.state == State.DONE,
            preparation.c.ended_at < ended_before,
            ~used,
            ~exists().where(tag.c.model == preparation.c.model),
        )
    )
    gone = update(preparation).where(old).values(state=State.CANCELLED, prepared=None)
    return int(connection.execute(gone).rowcount)


def forget_sources(connection: Connection, kept_before: float) -> None:
    """Forget sources of plugins that no name, active build or pinned engine has; adding them again brings them back."""
    plugins.remove_sources(connection, kept_before, _sources(connection))


def forget_blobs(connection: Connection, gone: tuple[str, ...]) -> None:
    """Drop the rows of blobs that were deleted."""
    for first in range(0, len(gone), 500):
        connection.execute(delete(blob).where(blob.c.sha256.in_(gone[first : first + 500])))
        timing_caches.forget(connection, gone[first : first + 500])
        plugin_libraries.forget(connection, gone[first : first + 500])


def _of_engines(connection: Connection) -> Iterator[str]:
    query = select(engine_blob.c.sha256).join(engine, engine.c.id == engine_blob.c.engine_id)
    yield from connection.execute(query.where(engine.c.removed_at.is_(None))).scalars()


def _of_models(connection: Connection) -> Iterator[str]:
    """Of models that a name points at, or that something active, a kept engine or a preparation is made of."""
    needed = or_(
        exists().where(tag.c.model == model.c.digest),
        exists().where(build.c.model == model.c.digest, build.c.active),
        exists().where(preparation.c.model == model.c.digest, preparation.c.active),
    )
    for text in connection.execute(select(model.c.manifest).where(needed)).scalars():
        yield from (item.sha256 for item in loads(ModelManifest, text).files)


def _of_preparations(connection: Connection) -> Iterator[str]:
    query = select(preparation.c.prepared).where(preparation.c.prepared.is_not(None))
    for text in connection.execute(query).scalars():
        made = loads(Prepared, text)
        references = (made.reference_inputs, made.reference_outputs)
        yield from (item.sha256 for item in made.files)
        yield from (item for item in references if item)


def _of_submissions(connection: Connection) -> Iterator[str]:
    """Arrays that a user brought: of submissions that run, and of models that a name points at."""
    active = exists().where(request.c.submission_id == submission.c.id, request.c.ended_at.is_(None))
    current = exists().where(tag.c.model == submission.c.model)
    for text in connection.execute(select(submission.c.ask).where(or_(active, current)).distinct()).scalars():
        ask = loads(SubmitAsk, text)
        brought = (ask.options.calibration, ask.reference.inputs, ask.reference.outputs)
        yield from (item for item in brought if item)
    # A build that other submissions joined may outlive the one that brought its calibration data.
    for text in connection.execute(select(build.c.spec).where(build.c.active)).scalars():
        key = loads(RequestKey, text)
        yield from filter(None, (key.options.calibration, pinned(key.timing_cache)))


def _of_plugins(connection: Connection) -> Iterator[str]:
    """The files of sources that are needed, and what was compiled of them."""
    needed = _sources(connection)
    for row in plugins.sources(connection, needed).values():
        yield from row.source.blobs
    yield from plugin_libraries.blobs_of(connection, needed)


def _sources(connection: Connection) -> frozenset[str]:
    """Those that a name points at, or that the key of an active build or of a pinned engine has."""
    found = set(connection.execute(select(plugin.c.source)).scalars())
    for text in connection.execute(select(build.c.spec).where(build.c.active)).scalars():
        found.update(loads(RequestKey, text).plugins.values())
    pinned_ones = select(engine.c.manifest).where(engine.c.pinned, engine.c.removed_at.is_(None))
    for text in connection.execute(pinned_ones).scalars():
        found.update(loads(EngineManifest, text).key.plugins.values())
    return frozenset(found)


def _of_logs(connection: Connection) -> Iterator[str]:
    query = select(attempt.c.log_chunks).where(attempt.c.log_chunks != "[]")
    for text in connection.execute(query).scalars():
        yield from json.loads(text)
