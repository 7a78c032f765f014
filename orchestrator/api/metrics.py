"""What Prometheus reads: the levels of the farm, and what this process counted, as text."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from farm import __version__
from farm.protocol.errors import Unavailable
from orchestrator.services.monitor import Levels, Monitor
from orchestrator.services.wakeup_port import Wakeups

from .metric_counts import counted, durations
from .metric_families import counter, gauge, gauges
from .metric_levels import families
from .traffic import Traffic


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
        registry.register(_Families(families(levels)))
    registry.register(_Families(counted(context.tally)))
    registry.register(_Families(durations(context.tally)))
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
    yield gauges("farm_build_info", "The version of the coordinator.", "version", {__version__: 1})
    yield gauge("farm_database_up", "1 if the database answered this scrape.", levels is not None)


def _wakeups(wakeups: Wakeups) -> Iterable[Metric]:
    counts = wakeups.counts()
    yield gauge("farm_broker_up", "1 while the broker answers, or none is used.", wakeups.healthy())
    yield gauge("farm_wakeups_waiting", "Wake-ups that the broker has not yet taken.", counts.waiting)
    yield counter("farm_wakeups_sent", "Wake-ups that the broker took.", counts.sent)
    yield counter("farm_wakeups_lost", "Wake-ups that were given up; the reconciler wakes.", counts.lost)
