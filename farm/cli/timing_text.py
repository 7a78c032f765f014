"""What a build had of the timing cache, in words: as far as TensorRT tells it, and the rest called an estimate."""

from __future__ import annotations

from typing import Any, List, Mapping, Optional

from .format import duration, short, size


def timing_text(effective: Mapping[str, Any]) -> str:
    """What the manifest of an engine says of it; empty where there is nothing to say."""
    told = effective.get("timing_cache")
    if not isinstance(told, Mapping):
        return ""
    parts: List[str] = [str(told.get("use", ""))]
    state = told.get("sha256")
    if isinstance(state, str):
        parts.append(f"began with {short(state)}, {_size(told, 'began_bytes')}")
    elif told.get("use") != "none":
        parts.append("refused: " + str(told["refused"]) if "refused" in told else "began empty")
    if _number(told.get("ended_bytes")) not in (None, _number(told.get("began_bytes"))):
        parts.append(f"grew to {_size(told, 'ended_bytes')}")
    choices, timed = _number(told.get("choices")), _number(told.get("choices_timed"))
    if choices is not None and timed is not None:
        parts.append(f"timed {timed:,.0f} of {choices:,.0f} choices")
    saved = saved_s(effective)
    if saved is not None:
        parts.append(f"saved about {duration(saved)}, an estimate from a build that began empty")
    return "; ".join(filter(None, parts))


def saved_s(effective: Mapping[str, Any]) -> Optional[float]:
    """Seconds that the cache saved by estimate; None where nothing is known, or nothing was saved."""
    told = effective.get("timing_cache")
    estimate = told.get("estimate") if isinstance(told, Mapping) else None
    found = _number(estimate.get("saved_s")) if isinstance(estimate, Mapping) else None
    return found if found is not None and found > 0 else None


def _size(told: Mapping[str, Any], name: str) -> str:
    found = _number(told.get(name))
    return "?" if found is None else size(int(found))


def _number(value: object) -> Optional[float]:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
