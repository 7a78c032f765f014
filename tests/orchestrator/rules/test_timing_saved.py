from __future__ import annotations

from typing import Any

import pytest

from orchestrator.rules.timing_saved import with_estimate

WARM = {"build_s": 20.0, "timing_cache": {"use": "shared", "sha256": "a" * 64}}
COLD = {"build_s": 204.5, "timing_cache": {"use": "shared", "began_bytes": 0}}


def test_it_is_held_against_the_newest_build_that_began_empty() -> None:
    earlier = [("eng-3", WARM), ("eng-2", COLD), ("eng-1", {**COLD, "build_s": 300.0})]
    told = with_estimate(WARM, earlier)
    assert told["timing_cache"]["estimate"] == {"cold_build_s": 204.5, "saved_s": 184.5, "cold_engine": "eng-2"}
    assert told["build_s"] == 20.0
    assert "estimate" not in WARM["timing_cache"]  # type: ignore[operator]


def test_a_build_without_any_cache_is_cold_too() -> None:
    told = with_estimate(WARM, [("eng-1", {"build_s": 90, "timing_cache": {"use": "none"}})])
    assert told["timing_cache"]["estimate"]["saved_s"] == 70.0


@pytest.mark.parametrize(
    ("effective", "earlier"),
    [
        (WARM, []),
        (WARM, [("eng-1", WARM)]),
        (WARM, [("eng-1", {"build_s": 90})]),
        (WARM, [("eng-1", {"timing_cache": {"use": "none"}})]),
        (COLD, [("eng-1", COLD)]),
        ({"build_s": True, "timing_cache": WARM["timing_cache"]}, [("eng-1", COLD)]),
        ({"build_s": "fast", "timing_cache": WARM["timing_cache"]}, [("eng-1", COLD)]),
        ({"timing_cache": "shared"}, [("eng-1", COLD)]),
        ({}, [("eng-1", COLD)]),
    ],
)
def test_nothing_is_told_where_nothing_is_known(effective: dict[str, Any], earlier: list[Any]) -> None:
    assert with_estimate(effective, earlier) == effective
