"""What one coordinator process counted, as Prometheus reads it; from 0 at its start."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily
from prometheus_client.metrics_core import Metric

from farm.protocol.states import BUILD_STAGES, PREPARATION_STAGES, AttemptEnd, State
from orchestrator.services.tally import COMPILED, REUSED, Tally

from .metric_families import counter, histogram

_PREPARATION_ENDS = (State.DONE, State.FAILED, State.CANCELLED)
_BUILD_ENDS = (*_PREPARATION_ENDS, State.QUARANTINED)
_PLACED = (State.CACHED, State.FAILED, State.QUARANTINED, State.WAITING, State.QUEUED, State.LEASED, *BUILD_STAGES)
_SWAPS = ("swapped", "lost")
_LIBRARIES = (COMPILED, REUSED)


def counted(tally: Tally) -> Iterable[Metric]:
    """What happened how often."""
    yield _builds(tally)
    for name, help_text, label, kind, words in (
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
    yield counter("farm_leases_expired", "Leases that were taken back from a silent worker.", expired)


def durations(tally: Tally) -> Iterable[Metric]:
    """What took how long."""
    yield histogram(
        "farm_build_queue_duration_seconds",
        "Time from the queue to a device.",
        (),
        {(): tally.spread("build", State.QUEUED)},
    )
    for kind, stages in (("build", BUILD_STAGES), ("preparation", PREPARATION_STAGES)):
        yield histogram(
            f"farm_{kind}_stage_duration_seconds",
            f"Time that each stage of a successful {kind} took.",
            ("stage",),
            {(str(stage),): tally.spread(kind, stage) for stage in stages},
        )
    yield histogram(
        "farm_plugin_compile_duration_seconds",
        "Time that devices took to compile a library of a plugin.",
        (),
        {(): tally.spread("plugin_library", COMPILED)},
    )


def _builds(tally: Tally) -> Metric:
    family = CounterMetricFamily("farm_builds_ended", "Builds that ended, by state.", labels=["state", "target"])
    for target, states in sorted(tally.ended().items()):
        for state in _BUILD_ENDS:
            family.add_metric([str(state), target], states[str(state)])
    return family
