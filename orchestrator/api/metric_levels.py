"""Levels of the farm as Prometheus reads them, anew for each scrape."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.metrics_core import Metric

from farm.protocol.states import BUILD_STAGES, PREPARATION_STAGES, DeviceState, State
from orchestrator.services.blob_port import DiskStat
from orchestrator.services.monitor import Levels

from .metric_families import gauge, gauges

_BUILD_STATES = (State.WAITING, State.QUEUED, State.LEASED, *BUILD_STAGES)
_PREPARATION_STATES = (State.QUEUED, State.LEASED, *PREPARATION_STAGES)
_DEVICES = tuple(state for state in DeviceState if state is not DeviceState.RETIRED)


def families(levels: Levels) -> Iterable[Metric]:
    """Everything about how the farm stands."""
    yield gauge("farm_database_writable", "1 if the database takes writes.", levels.writable)
    yield from _fleet(levels)
    yield from _work(levels)
    yield from _stored(levels)
    if levels.disk:
        yield from _disk(levels.disk)


def _fleet(levels: Levels) -> Iterable[Metric]:
    yield gauges("farm_devices", "Devices by state.", "state", levels.devices, _DEVICES)
    silent = {item.name: item.silent_s for item in levels.pulses if item.silent_s is not None}
    yield gauges("farm_device_heartbeat_age_seconds", "Time since a device was last heard.", "device", silent)


def _work(levels: Levels) -> Iterable[Metric]:
    queued = {item.target: item.queued for item in levels.queues}
    oldest = {item.target: item.oldest_s for item in levels.queues}
    leases = levels.leases
    yield gauges("farm_builds", "Builds that have not ended, by state.", "state", levels.builds, _BUILD_STATES)
    yield gauges(
        "farm_preparations",
        "Preparations that have not ended, by state.",
        "state",
        levels.preparations,
        _PREPARATION_STATES,
    )
    yield gauges("farm_builds_queued", "Builds in the queue, by target.", "target", queued)
    yield gauges("farm_builds_queued_oldest_seconds", "Time in the queue of the oldest build.", "target", oldest)
    yield gauge(
        "farm_preparations_queued_oldest_seconds",
        "Time in the queue of the oldest preparation.",
        levels.preparation_oldest_s,
    )
    held = {"build": leases.builds, "preparation": leases.preparations}
    yield gauges("farm_leases", "Leases that workers hold, by what they work on.", "work", held)
    yield gauge("farm_leases_overdue", "Leases that ran out and are not yet taken back.", leases.overdue)


def _stored(levels: Levels) -> Iterable[Metric]:
    stock = levels.stock
    engines = {"fetchable": stock.engines, "quarantined": levels.quarantined}
    yield gauges("farm_engines", "Stored engines; those in quarantine gave wrong numbers.", "state", engines)
    yield gauge("farm_blobs", "Stored blobs.", stock.blobs)
    yield gauge("farm_blob_bytes", "Size of all stored blobs.", stock.blob_bytes)
    yield gauge("farm_plugin_libraries", "Stored libraries of plugins.", stock.libraries)
    yield gauge("farm_plugin_library_bytes", "Size of all of them.", stock.library_bytes)
    yield gauge("farm_timing_caches", "Stored timing caches, one for each class of devices.", stock.timing_caches)
    yield gauge("farm_timing_cache_bytes", "Size of all of them as they are now.", stock.timing_cache_bytes)


def _disk(disk: DiskStat) -> Iterable[Metric]:
    yield gauge("farm_blob_disk_size_bytes", "Size of the disk under the blobs.", disk.size_bytes)
    yield gauge("farm_blob_disk_free_bytes", "What uploads may still take of that disk.", disk.free_bytes)
