"""How much there is, counted over indexes: what a monitor asks for every few seconds."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Table, func, select

from farm.protocol.states import ACTIVE_STATES, State

from .tables import attempt, blob, build, engine, plugin_library, preparation, timing_cache

# Only these are counted by state: ended ones are as many as the farm is old.
_ACTIVE = tuple(sorted(ACTIVE_STATES))


@dataclass(frozen=True)
class QueueRow:
    """The queued builds for one target, and when the oldest of them was queued."""

    target: str
    queued: int
    oldest_at: float


@dataclass(frozen=True)
class LeaseCounts:
    """The live leases; `overdue` of them ran out and were not yet taken back."""

    builds: int
    preparations: int
    overdue: int


@dataclass(frozen=True)
class StockCounts:
    """Engines that may be fetched, all blobs, and those of them that are libraries of plugins or timing caches."""

    engines: int
    blobs: int
    blob_bytes: int
    libraries: int
    library_bytes: int
    timing_caches: int
    timing_cache_bytes: int


def builds(connection: Connection) -> dict[State, int]:
    """Active builds by state."""
    return _active(connection, build)


def preparations(connection: Connection) -> dict[State, int]:
    """Active preparations by state."""
    return _active(connection, preparation)


def queues(connection: Connection) -> tuple[QueueRow, ...]:
    """What is queued for which target, by its label."""
    query = (
        select(build.c.label, func.count(), func.min(build.c.queued_at))
        .where(build.c.state == State.QUEUED)
        .group_by(build.c.label)
        .order_by(build.c.label)
    )
    return tuple(QueueRow(label, count, at) for label, count, at in connection.execute(query))


def oldest_preparation(connection: Connection) -> float | None:
    """When the oldest queued preparation was queued."""
    query = select(func.min(preparation.c.queued_at)).where(preparation.c.state == State.QUEUED)
    return connection.execute(query).scalar()


def leases(connection: Connection, now: float) -> LeaseCounts:
    """Live leases."""
    overdue = func.count().filter(attempt.c.lease_until < now)
    query = select(func.count(attempt.c.build_id), func.count(attempt.c.preparation_id), overdue).where(attempt.c.live)
    return LeaseCounts(*connection.execute(query).one())


def quarantined(connection: Connection) -> int:
    """Engines with wrong numbers that were not removed."""
    query = select(func.count()).where(engine.c.removed_at.is_(None), engine.c.quarantined)
    return int(connection.execute(query).scalar_one())


def stock(connection: Connection) -> StockCounts:
    """What is stored. Takes longer the more that is: a tenth of a second for half a million rows."""
    good = select(func.count()).where(engine.c.removed_at.is_(None), ~engine.c.quarantined)
    sums = select(func.count(), func.coalesce(func.sum(blob.c.size_bytes), 0)).select_from(blob)
    count, size_bytes = connection.execute(sums).one()
    # Two keys may have come to the same bytes, which are stored once.
    each = select(plugin_library.c.sha256, plugin_library.c.size_bytes).distinct().subquery()
    of_plugins = select(func.count(), func.coalesce(func.sum(each.c.size_bytes), 0)).select_from(each)
    libraries, library_bytes = connection.execute(of_plugins).one()
    sums = select(func.count(), func.coalesce(func.sum(timing_cache.c.size_bytes), 0))
    caches, cache_bytes = connection.execute(sums.where(timing_cache.c.sha256.is_not(None))).one()
    return StockCounts(
        engines=int(connection.execute(good).scalar_one()),
        blobs=int(count),
        blob_bytes=int(size_bytes),
        libraries=int(libraries),
        library_bytes=int(library_bytes),
        timing_caches=int(caches),
        timing_cache_bytes=int(cache_bytes),
    )


def _active(connection: Connection, table: Table) -> dict[State, int]:
    query = select(table.c.state, func.count()).where(table.c.state.in_(_ACTIVE)).group_by(table.c.state)
    return {State(state): count for state, count in connection.execute(query)}
