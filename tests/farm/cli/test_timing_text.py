from __future__ import annotations

from typing import Any

import pytest

from farm.cli.timing_text import saved_s, timing_text

WARM = {
    "use": "shared",
    "began_bytes": 5 << 20,
    "ended_bytes": 5 << 20,
    "sha256": "a" * 64,
    "choices": 1200,
    "choices_timed": 3,
    "estimate": {"cold_build_s": 204.5, "saved_s": 184.5, "cold_engine": "eng-1"},
}


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (
            WARM,
            "shared; began with aaaaaaaaaaaa, 5.0 MiB; timed 3 of 1,200 choices; "
            "saved about 3 min 04 s, an estimate from a build that began empty",
        ),
        ({"use": "shared", "began_bytes": 172, "ended_bytes": 4096}, "shared; began empty; grew to 4.0 KiB"),
        ({"use": "shared", "refused": "The timing cache will not be used!"}, "shared; refused: The timing cache will"),
        ({"use": "none", "choices": 10, "choices_timed": 8}, "none; timed 8 of 10 choices"),
        ("what no worker of ours tells", ""),
    ],
)
def test_what_happened_is_told_in_words(told: Any, text: str) -> None:
    found = timing_text({"timing_cache": told})
    assert found.startswith(text)
    assert bool(found) == bool(text)


def test_nothing_is_told_of_engines_without() -> None:
    assert timing_text({"precision": "float32"}) == ""
    assert saved_s({}) is None


@pytest.mark.parametrize(("saved", "told"), [(184.5, 184.5), (-3.0, None), (0.0, None), ("much", None), (None, None)])
def test_only_time_that_was_saved_counts(saved: Any, told: float | None) -> None:
    assert saved_s({"timing_cache": {**WARM, "estimate": {"saved_s": saved}}}) == told
