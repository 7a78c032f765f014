from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from farm.runtime.benchmark.statistics import cv_percent, percentile, percentiles, robust_cv_percent


@pytest.mark.parametrize(
    ("count", "percent", "index"),
    [(1, 99, 0), (2, 50, 0), (3, 50, 1), (10, 90, 8), (10, 99, 9), (20, 95, 18), (100, 99, 98), (101, 99, 99)],
)
def test_a_percentile_is_one_of_the_samples(count: int, percent: int, index: int) -> None:
    assert percentile(list(range(count)), percent) == index


@given(count=some.integers(1, 5000), percent=some.sampled_from([50, 90, 95, 99]))
def test_the_rule_is_ceil_of_p_times_n_minus_one(count: Any, percent: Any) -> None:
    assert percentile(range(count), percent) == math.ceil(Fraction(percent, 100) * count) - 1


def test_all_latencies_come_from_unsorted_samples() -> None:
    found = percentiles([5.0, 1.0, 4.0, 2.0, 3.0])
    assert (found.minimum_ms, found.mean_ms, found.median_ms, found.maximum_ms) == (1.0, 3.0, 3.0, 5.0)
    assert found.p90_ms == found.p95_ms == found.p99_ms == 5.0


def test_spread_is_the_deviation_of_all_samples_over_their_mean() -> None:
    assert cv_percent([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]) == pytest.approx(40.0)
    assert cv_percent([3.0, 3.0]) == 0.0
    assert cv_percent([0.0]) == 0.0


def test_the_slowest_twentieth_is_left_out_and_no_more() -> None:
    assert robust_cv_percent([1.0] * 95 + [50.0] * 5) == 0.0
    assert robust_cv_percent([1.0] * 94 + [50.0] * 6) > 100
    assert robust_cv_percent([1.0] * 10 + [2.0]) > 10  # too few to leave any out
