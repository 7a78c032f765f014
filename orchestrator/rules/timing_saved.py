"""What a timing cache saved a build: an estimate, since nobody built the same once more without it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def with_estimate(effective: Mapping[str, Any], earlier: Iterable[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The effective recipe of a build, with what its timing cache saved where that can be told.

    Args:
        effective: As the worker told it.
        earlier: Engines of the same shape of key, newest first, with theirs; the first that began empty counts.
    """
    told = dict(effective)
    took_s, cache = _seconds(effective), effective.get("timing_cache")
    if took_s is None or not isinstance(cache, Mapping) or not cache.get("sha256"):
        return told
    for engine, other in earlier:
        cold_s, began = _seconds(other), other.get("timing_cache")
        if cold_s is not None and isinstance(began, Mapping) and not began.get("sha256"):
            saved = {"cold_build_s": cold_s, "saved_s": round(cold_s - took_s, 3), "cold_engine": engine}
            told["timing_cache"] = {**cache, "estimate": saved}
            break
    return told


def _seconds(effective: Mapping[str, Any]) -> float | None:
    found = effective.get("build_s")
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None
