from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.protocol.options import BenchmarkPolicy
from farm.protocol.report import BenchmarkReport, Percentiles
from orchestrator.rules.comparison import NEVER_CLOSER, Change, Timed, compare, noise_of, timed

BASE = Timed("farm farm-1", "x 1x3", 2.0, 0.5)


@pytest.mark.parametrize(
    ("median_ms", "cv_percent", "change"),
    [
        (2.0, 0.5, Change.WITHIN_NOISE),
        (2.04, 0.5, Change.WITHIN_NOISE),
        (2.05, 0.5, Change.SLOWER),
        (1.95, 0.5, Change.FASTER),
        (1.97, 0.5, Change.WITHIN_NOISE),
        # Half of 8 % is noise then.
        (2.07, 8.0, Change.WITHIN_NOISE),
        (2.09, 8.0, Change.SLOWER),
    ],
)
def test_slower_is_what_is_outside_of_the_noise(median_ms: float, cv_percent: float, change: Change) -> None:
    found = compare(BASE, replace(BASE, median_ms=median_ms, cv_percent=cv_percent))
    assert found.change is change
    assert found.ratio == median_ms / 2.0


def test_noise_is_never_below_what_two_engines_of_one_plan_differ_by() -> None:
    assert noise_of(0.0, 0.0) == NEVER_CLOSER
    assert noise_of(6.0, 8.0) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (None, "it has no time"),
        (replace(BASE, protocol="trtexec trtexec-1"), "another protocol"),
        (replace(BASE, shapes="x 8x3"), "other shapes"),
    ],
)
def test_what_was_not_timed_alike_does_not_compare(other: Timed | None, reason: str) -> None:
    found = compare(BASE, other)
    assert (found.change, found.ratio) == (Change.INCOMPARABLE, None)
    assert reason in found.reason


def test_a_baseline_without_a_time_compares_with_nothing() -> None:
    assert "the baseline has no time" in compare(None, BASE).reason
    assert "took no time" in compare(replace(BASE, median_ms=0.0), BASE).reason


_TIMES = st.builds(
    Timed, st.just("p"), st.just("s"), st.floats(1e-3, 1e4), st.floats(0.0, 60.0, allow_nan=False, allow_infinity=False)
)


@given(_TIMES, _TIMES)
def test_the_other_way_round_it_is_the_opposite(one: Timed, other: Timed) -> None:
    opposite = {Change.SLOWER: Change.FASTER, Change.FASTER: Change.SLOWER}
    there, back = compare(one, other), compare(other, one)
    assert there.noise == back.noise
    assert there.ratio is not None
    assert there.noise is not None
    # At the very edge the two divisions round differently.
    for edge in (1.0 + there.noise, 1.0 / (1.0 + there.noise)):
        if there.ratio == pytest.approx(edge, rel=1e-12):
            return
    assert back.change is opposite.get(there.change, there.change)


def test_a_report_tells_what_compares() -> None:
    latency = Percentiles(1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6)
    report = BenchmarkReport(
        "farm", "farm-1", BenchmarkPolicy(), 10, latency, 9.0, 1.5, False, evidence={"shapes": {"b": [1], "a": [2, 3]}}
    )
    found = timed(report)
    assert found == timed(replace(report, evidence={"shapes": {"a": [2, 3], "b": [1]}}))
    assert found != timed(replace(report, evidence={"shapes": {"a": [2, 4], "b": [1]}}))
    assert found
    assert (found.protocol, found.median_ms, found.cv_percent) == ("farm farm-1", 1.2, 1.5)
    assert timed(replace(report, latency=None, noisy=True)) is None
    assert timed(None) is None
