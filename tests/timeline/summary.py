"""What is told of a timeline: its pieces, and how much of it was not the work itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .slices import Slice, Span

_LEAST_S = 0.01
_PREPARATION, _BUILD = "child host", "child device"
_CHILD_STARTS, _CHILD_BEGINS, _CHILD_ENDS = "start of Python", "go_on", "wait"
# What is no overhead of a build: TensorRT itself, and what proves and measures the engine.
_BUILDER = ("build_serialized_network", "build order")
_PROOF = ("_verify", "_measure", "open ", "load_arrays", "layers_of_engine")


def told(found: Iterable[Slice], began_s: float) -> str:
    """A line for each piece of ten milliseconds or more: when, how long, who, what; `...` where nothing is known."""
    lines, small_s = [], 0.0
    for item in found:
        if item.took_s < _LEAST_S:
            small_s += item.took_s
            continue
        who = item.span.process if item.span else "command"
        what = item.span.name if item.span else "start"
        what = f"... after {what}" if item.idle else what
        lines.append(f"{item.began_s - began_s:8.3f} {item.took_s:7.3f}  {who:<16.16} {what[:60]}\n")
    return "".join([*lines, f"{'':8} {small_s:7.3f}  smaller pieces\n"])


def summary(spans: Sequence[Span], wall_s: float) -> dict[str, float]:
    """Seconds: of the whole, of its two children, of the builder's own call, and of what proves the engine."""
    preparing_s, building_s = _child_s(spans, _PREPARATION), _child_s(spans, _BUILD)
    inside = [span for span in spans if span.process == _BUILD]
    row = {
        "wall_s": wall_s,
        "preparing_s": preparing_s,
        "building_s": building_s,
        "builder_s": _total_s(span for span in inside if span.name in _BUILDER),
        "proof_s": _total_s(span for span in inside if span.name.startswith(_PROOF)),
        "beside_children_s": wall_s - preparing_s - building_s,
    }
    return {name: round(value, 3) for name, value in row.items()}


def overhead(row: dict[str, float], bare: dict[str, Any]) -> dict[str, float]:
    """What the farm adds to a bare build, in seconds.

    Neither side with the builder's own call, which never takes the same time twice; the farm's without the
    preparation and without what proves the engine, which a bare build does not do.
    """
    farm_s = row["wall_s"] - row["builder_s"] - row["proof_s"] - row["preparing_s"]
    bare_s = bare["wall_s"] - bare["builder_s"]
    return {"farm_s": round(farm_s, 3), "bare_s": round(bare_s, 3), "overhead_s": round(farm_s - bare_s, 3)}


def _child_s(spans: Sequence[Span], process: str) -> float:
    """From the moment that the inputs of a child were there to that when its worker knew of its end, as `child_ms`."""
    starts = [span.began_s for span in spans if (span.process, span.name) == (process, _CHILD_STARTS)]
    begins = [_next(spans, _CHILD_BEGINS, start) for start in starts]
    return sum(_next(spans, _CHILD_ENDS, begin) - begin for begin in begins)


def _next(spans: Sequence[Span], name: str, after_s: float) -> float:
    return min((span.ended_s for span in spans if span.name == name and span.ended_s > after_s), default=after_s)


def _total_s(spans: Iterable[Span]) -> float:
    return sum(span.ended_s - span.began_s for span in spans)
