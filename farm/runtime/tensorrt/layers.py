"""How long each layer of an engine takes, in runs of their own."""

from __future__ import annotations

from collections import Counter
from typing import Any, Dict, Mapping, Tuple

from .lane import Lane

Array = Any


def profiled(trt: Any, lane: Lane, arrays: Mapping[str, Array], runs: int) -> Tuple[Dict[str, Any], ...]:
    """The layers, slowest first: `name`, `operator`, `mean_ms`, `share` of the total."""
    totals: Counter[str] = Counter()

    class Profiler(trt.IProfiler):  # type: ignore[misc]  # the class is known only at run time
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            totals[layer_name] += ms  # type: ignore[assignment]  # a Counter of milliseconds

    lane.infer(arrays)
    profiler = Profiler()
    lane.profile_with(profiler)
    try:
        for _ in range(runs):
            lane.infer(arrays)
    finally:
        lane.profile_with(None)
    whole = sum(totals.values()) or 1.0
    return tuple(
        {"name": name, "operator": "", "mean_ms": total / runs, "share": total / whole}
        for name, total in totals.most_common()
    )
