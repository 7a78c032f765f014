"""What a lease may read: asked at every blob that a worker wants."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, select

from farm.protocol.codec import loads
from farm.protocol.keys import PreparationKey, RequestKey
from farm.protocol.model import ModelManifest
from farm.protocol.timing import TimingCacheUse, pinned
from farm.protocol.work import Prepared
from orchestrator.rules.timing_caches import timing_class

from . import plugin_libraries, plugins, timing_caches
from .plugin_libraries import Shelf
from .tables import attempt, build, device, engine_blob, model, preparation


@dataclass(frozen=True)
class LiveLease:
    """A lease that counts now."""

    attempt: str
    token: int
    build: str | None
    preparation: str | None
    trust_group: str


def live_leases(connection: Connection, device_name: str) -> tuple[LiveLease, ...]:
    """The leases that a device holds."""
    query = (
        select(attempt.c.id, attempt.c.token, attempt.c.build_id, attempt.c.preparation_id, device.c.trust_group)
        .join(device, and_(device.c.id == attempt.c.device_id, device.c.name == device_name))
        .where(attempt.c.live)
    )
    return tuple(LiveLease(*row) for row in connection.execute(query))


def readable(connection: Connection, lease: LiveLease) -> frozenset[str]:
    """The digests of every blob that the work of a lease is given."""
    if lease.build is not None:
        return _of_build(connection, lease.build, lease.trust_group)
    return _of_preparation(connection, lease.preparation or "")


def _of_build(connection: Connection, build_id: str, trust_group: str) -> frozenset[str]:
    query = (
        select(build.c.spec, build.c.reuse_engine_id, build.c.target_digest, preparation.c.prepared)
        .join(preparation, preparation.c.id == build.c.preparation_id)
        .where(build.c.id == build_id)
    )
    row = connection.execute(query).one()
    key = loads(RequestKey, row.spec)
    digests = {key.options.calibration, pinned(key.timing_cache)}
    shared = timing_class(key.target) if key.timing_cache == TimingCacheUse.SHARED else None
    if shared:
        # Also those that others made since this build was claimed: to merge with.
        digests |= timing_caches.digests(connection, shared.id)
    if key.plugins:
        shelf = Shelf(row.target_digest, trust_group)
        digests |= _of_plugins(connection, shelf, tuple(key.plugins.values()))
    if row.prepared:
        prepared = loads(Prepared, row.prepared)
        digests |= {prepared.reference_inputs, prepared.reference_outputs, *(item.sha256 for item in prepared.files)}
    if row.reuse_engine_id:
        blobs = select(engine_blob.c.sha256).where(engine_blob.c.engine_id == row.reuse_engine_id)
        digests |= set(connection.execute(blobs).scalars())
    return frozenset(item for item in digests if item)


def _of_plugins(connection: Connection, shelf: Shelf, sources: tuple[str, ...]) -> frozenset[str]:
    """Sources, and what others of the same target and trust group made of them."""
    files = (sha256 for row in plugins.sources(connection, sources).values() for sha256 in row.source.blobs)
    made = (row.sha256 for row in plugin_libraries.on_shelf(connection, shelf, sources))
    return frozenset((*files, *made))


def _of_preparation(connection: Connection, preparation_id: str) -> frozenset[str]:
    query = (
        select(preparation.c.spec, model.c.manifest)
        .join(model, model.c.digest == preparation.c.model)
        .where(preparation.c.id == preparation_id)
    )
    row = connection.execute(query).one()
    reference = loads(PreparationKey, row.spec).reference
    files = (item.sha256 for item in loads(ModelManifest, row.manifest).files)
    return frozenset(item for item in (reference.inputs, reference.outputs, *files) if item)
