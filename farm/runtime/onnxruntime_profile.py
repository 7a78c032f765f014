"""Where an engine's time goes, out of the profiler of onnxruntime."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any, Dict, List, Mapping, Tuple

from .onnxruntime_load import load

_SUFFIX = "_kernel_time"
# The share of the many small rest is not worth a row each.
_ROWS = 50
# Their time is that of the kernels inside them, which have rows of their own.
_CONTAINERS = frozenset(("If", "Loop", "Scan"))


def profiled_layers(path: Path, made: Any, arrays: Mapping[str, Any], runs: int) -> Tuple[Dict[str, Any], ...]:
    """The slowest kernels of an engine, from a session and runs of their own.

    Args:
        path: The engine.
        made: Its `SessionOptions`; profiling is switched on in them.
        arrays: Inputs that fit.
        runs: How many runs are averaged, after one that is not.
    """
    with tempfile.TemporaryDirectory() as folder:
        made.enable_profiling = True
        made.profile_file_prefix = str(Path(folder) / "profile")
        session = load(path, made)
        for _ in range(runs + 1):
            session.run(None, dict(arrays))
        events = json.loads(Path(session.end_profiling()).read_text(encoding="utf-8"))
    return kernels(events, runs)


def kernels(events: List[Dict[str, Any]], runs: int) -> Tuple[Dict[str, Any], ...]:
    """The slowest kernels among the profiler's events, without the first run of each."""
    durations: Dict[Tuple[str, str], List[float]] = {}
    for event in events:
        name = str(event.get("name", ""))
        if event.get("cat") == "Node" and name.endswith(_SUFFIX):
            operator = str(event.get("args", {}).get("op_name", ""))
            if operator not in _CONTAINERS:
                durations.setdefault((name[: -len(_SUFFIX)], operator), []).append(event["dur"] / 1e3)
    # A kernel of a loop's body runs more than once in a run, one of a branch that is not taken not at all.
    sums = {key: sum(found[max(len(found) // (runs + 1), 1) :]) / runs for key, found in durations.items()}
    total = sum(sums.values())
    slowest = sorted(sums, key=lambda key: (-sums[key], key))[:_ROWS]
    return tuple(
        {
            "name": name,
            "operator": operator,
            "mean_ms": round(sums[name, operator], 6),
            "share": round(sums[name, operator] / total, 4) if total else 0.0,
        }
        for name, operator in slowest
    )
