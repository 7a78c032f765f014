"""What Prometheus reads: the levels of the farm, and what this process counted, as text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from farm import __version__
from farm.protocol.errors import Unavailable
from farm.protocol.states import BUILD_STAGES, PREPARATION_STAGES, AttemptEnd, DeviceState, State
from orchestrator.services.monitor import Levels, Monitor
from orchestrator.services.tally import COMPILED, REUSED, Tally
from orchestrator.services.wakeup_port import Wakeups

from .traffic import Traffic

W = TypeVar("W", bound=str)

_BUILD_STATES = (State.WAITING, State.QUEUED, State.LEASED, *BUILD_STAGES)
_PREPARATION_STATES = (State.QUEUED, State.LEASED, *PREPARATION_STAGES)
_PREPARATION_ENDS = (State.DONE, State.FAILED, State.CANCELLED)
_BUILD_ENDS = (*_PREPARATION_ENDS, State.QUARANTINED)
_PLACED = (State.CACHED, State.FAILED, State.QUARANTINED, *_BUILD_STATES)
_SWAPS = ("swapped", "lost")
_LIBRARIES = (COMPILED, REUSED)
_DEVICES = tuple(state for state in DeviceState if state is not DeviceState.RETIRED)


def exposition(monitor: Monitor, traffic: Traffic) -> tuple[bytes, str]:
    """The text and its media type. While the database is down it holds what the process itself knows."""
    context = monitor.context
    try:
        levels = monitor.levels()
    except Unavailable:
        levels = None
    registry = CollectorRegistry()
    registry.register(_Families(_about(levels)))
    if levels:
        registry.register(_Families(_levels(levels)))
    registry.register(_Families(_ended(context.tally)))
    registry.register(_Families(_wakeups(context.wakeups)))
    registry.register(traffic.answers)
    registry.register(traffic.streams)
    registry.register(ProcessCollector(registry=None))
    return generate_latest(registry), CONTENT_TYPE_LATEST


class _Families(Collector):
    """Finished families, as a registry wants them."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = tuple(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _about(levels: Levels | None) -> Iterable[Metric]:
    yield _gauge("farm_build_info", "The version of the coordinator.", "version", {__version__: 1})
    yield GaugeMetricFamily("farm_database_up", "1 if the database answered this scrape.", value=levels is not None)


def _levels(levels: Levels) -> Iterable[Metric]:
    queued = {item.target: item.queued for item in levels.queues}
    oldest = {item.target: item.oldest_s for item in levels.queues}
    leases, stock = levels.leases, levels.stock
    yield _gauge("farm_devices", "Devices by state.", "state", levels.devices, _DEVICES)
    yield _gauge("farm_builds", "Builds that have not ended, by state.", "state", levels.builds, _BUILD_STATES)
    yield _gauge(
        "farm_preparations",
        "Preparations that have not ended, by state.",
        "state",
        levels.preparations,
        _PREPARATION_STATES,
    )
    yield _gauge("farm_builds_queued", "Builds in the queue, by target.", "target", queued)
    yield _gauge("farm_builds_queued_oldest_seconds", "Time in the queue of the oldest build.", "target", oldest)
    yield GaugeMetricFamily(
        "farm_preparations_queued_oldest_seconds",
        "Time in the queue of the oldest preparation.",
        levels.preparation_oldest_s,
    )
    held = {"build": leases.builds, "preparation": leases.preparations}
    yield _gauge("farm_leases", "Leases that workers hold, by what they work on.", "work", held)
    yield GaugeMetricFamily("farm_leases_overdue", "Leases that ran out and are not yet taken back.", leases.overdue)
    engines = {"fetchable": stock.engines, "quarantined": levels.quarantined}
    yield _gauge("farm_engines", "Stored engines; those in quarantine gave wrong numbers.", "state", engines)
    yield GaugeMetricFamily("farm_blobs", "Stored blobs.", stock.blobs)
    yield GaugeMetricFamily("farm_blob_bytes", "Size of all stored blobs.", stock.blob_bytes)
    yield GaugeMetricFamily("farm_plugin_libraries", "Stored libraries of plugins.", stock.libraries)
    yield GaugeMetricFamily("farm_plugin_library_bytes", "Size of all of them.", stock.library_bytes)


def _ended(tally: Tally) -> Iterable[Metric]:
    for name, help_text, label, kind, words in (
        ("farm_builds_ended", "Builds that ended, by state.", "state", "build", _BUILD_ENDS),
        ("farm_preparations_ended", "Preparations that ended, by state.", "state", "preparation", _PREPARATION_ENDS),
        ("farm_timing_cache_swaps", "Timing caches that builds offered, by result.", "result", "timing_cache", _SWAPS),
        (
            "farm_plugin_libraries_given",
            "Libraries of plugins that builds needed, by how they came to them.",
            "how",
            "plugin_library",
            _LIBRARIES,
        ),
        ("farm_requests_placed", "Requests of new submissions, by their first state.", "state", "submission", _PLACED),
    ):
        family = CounterMetricFamily(name, help_text, labels=[label])
        for word in words:
            family.add_metric([str(word)], tally.count(kind, word))
        yield family
    expired = tally.count("attempt", AttemptEnd.EXPIRED)
    yield CounterMetricFamily("farm_leases_expired", "Leases that were taken back from a silent worker.", expired)


def _wakeups(wakeups: Wakeups) -> Iterable[Metric]:
    counts = wakeups.counts()
    yield GaugeMetricFamily("farm_broker_up", "1 while the broker answers, or none is used.", wakeups.healthy())
    yield GaugeMetricFamily("farm_wakeups_waiting", "Wake-ups that the broker has not yet taken.", counts.waiting)
    yield CounterMetricFamily("farm_wakeups_sent", "Wake-ups that the broker took.", counts.sent)
    yield CounterMetricFamily("farm_wakeups_lost", "Wake-ups that were given up; the reconciler wakes.", counts.lost)


def _gauge(
    name: str, help_text: str, label: str, values: Mapping[W, float], always: Iterable[W] = ()
) -> GaugeMetricFamily:
    """One level for each word; those of `always` are there when they are 0, so that a rule can compare them."""
    family = GaugeMetricFamily(name, help_text, labels=[label])
    for word, value in {**dict.fromkeys(always, 0.0), **values}.items():
        family.add_metric([str(word)], value)
    return family
