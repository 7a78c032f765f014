"""Whether a measurement may be published. Pure."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from farm.protocol.options import BenchmarkPolicy

from .statistics import robust_cv_percent

State = Mapping[str, Any]

# A power cap is how a card works at its limit; these are faults of its cooling or its supply.
_SLOWED = frozenset(
    {"hardware slowdown", "hardware thermal slowdown", "hardware power brake", "software thermal slowdown"}
)


def fault(
    samples: Sequence[float], policy: BenchmarkPolicy, before: Mapping[str, Any], after: Mapping[str, Any]
) -> str:
    """Why these samples must not become a number, as one clause; empty where they may.

    Args:
        samples: Latencies of one attempt.
        policy: Has the widest spread to accept.
        before: Evidence taken before the attempt.
        after: Evidence taken after it.
    """
    throttled = after.get("throttle_count", 0) - before.get("throttle_count", 0)
    if throttled > 0:
        return f"the processor was throttled {throttled} times while it was measured"
    slowed = sorted(_SLOWED & set(after.get("gpu_throttle_reasons", ())))
    if slowed:
        return f"the GPU was slowed down while it was measured: {', '.join(slowed)}"
    starved = _overcurrents(after) - _overcurrents(before)
    if starved > 0:
        return f"the board was throttled {starved} times for want of current while it was measured"
    spread = robust_cv_percent(samples)
    if spread > policy.max_cv_percent:
        return f"the samples spread by {spread:.1f} %, more than {policy.max_cv_percent:g} %"
    return ""


def _overcurrents(state: State) -> int:
    return int(state.get("jetson", {}).get("overcurrent_events", 0))
