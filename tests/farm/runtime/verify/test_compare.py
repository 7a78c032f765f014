from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from hypothesis.extra import numpy as arrays

from farm.protocol.options import Comparator
from farm.runtime.verify.align import CHUNK, align
from farm.runtime.verify.compare import compare
from farm.runtime.verify.tolerance import Tolerance


def compared(output: Any, reference: Any, atol: Any = 0.0, rtol: Any = 0.0) -> Any:
    tolerance = Tolerance(atol, rtol)
    return compare(align(Comparator.ORDERED, np.asarray(output), np.asarray(reference), tolerance), tolerance)


def test_statistics_are_those_of_the_definitions() -> None:
    found = compared([1.0, 2.5, 2.0, -4.0], [1.0, 2.0, 4.0, -5.0])
    assert (found.absolute.maximum, found.absolute.mean, found.absolute.median) == (2.0, 0.875, 0.75)
    assert (found.relative.maximum, found.relative.mean, found.relative.median) == (0.5, 0.2375, pytest.approx(0.225))
    dot = 1 + 5 + 8 + 20
    assert found.cosine == pytest.approx(dot / np.sqrt(1 + 6.25 + 4 + 16) / np.sqrt(1 + 4 + 16 + 25))
    assert (found.mismatched, found.worst, found.worst_pair) == (3, 2, (2.0, 4.0))


@pytest.mark.parametrize(("atol", "rtol", "mismatched"), [(0.0, 0.0, 2), (1.0, 0.0, 1), (0.0, 0.011, 1), (1.0, 0.5, 0)])
def test_an_element_is_right_within_either_tolerance(atol: float, rtol: float, mismatched: int) -> None:
    assert compared([101.0, 1.5], [100.0, 3.0], atol, rtol).mismatched == mismatched


def test_the_worst_element_is_the_one_that_exceeds_its_own_tolerance_most() -> None:
    found = compared([110.0, 1.5], [100.0, 1.0], rtol=0.01)
    assert found.worst == 1


def test_nan_and_infinity_count_where_the_other_side_differs() -> None:
    nan, inf = np.nan, np.inf
    found = compared([nan, inf, nan, inf, -inf, 1.0], [nan, inf, 1.0, 2.0, inf, 1.0])
    assert (found.nan_count, found.inf_count, found.nonfinite_mismatched, found.mismatched) == (2, 3, 3, 3)
    assert found.worst == 2
    assert found.absolute.maximum == 0.0


def test_nothing_finite_has_no_statistics() -> None:
    found = compared([np.nan], [np.nan])
    assert found.absolute.maximum is found.relative.median is found.cosine is None
    assert found.mismatched == 0


def test_a_value_beside_zero_has_no_relative_error_but_is_counted() -> None:
    found = compared([0.5, 0.0, 1.0], [0.0, 0.0, 1.0])
    assert (found.off_zero, found.relative.maximum, found.absolute.maximum) == (1, 0.0, 0.5)


def test_neighbours_above_the_precision_of_floats_differ() -> None:
    big = 2**53
    assert compared(np.array([big + 1]), np.array([big])).mismatched == 1
    assert compared(np.array([2**64 - 1], np.uint64), np.array([2**64 - 2], np.uint64)).mismatched == 1


def test_truth_values_compare() -> None:
    assert compared(np.array([True, False]), np.array([True, True])).mismatched == 1


def test_chunks_make_no_difference() -> None:
    draw = np.random.default_rng(0)
    reference = draw.standard_normal(2 * CHUNK + 17)
    output = reference + draw.standard_normal(reference.size) * 1e-3
    output[CHUNK + 3] = np.nan
    found = compared(output, reference)
    difference = np.abs(output - reference)
    assert found.absolute.maximum == np.nanmax(difference)
    assert found.absolute.mean == pytest.approx(np.nanmean(difference), rel=1e-12)
    assert found.absolute.median == np.nanmedian(difference)
    assert found.worst == CHUNK + 3


@given(
    pair=arrays.arrays(np.float32, (2, 40), elements=some.floats(width=32, allow_nan=True, allow_infinity=True)),
    atol=some.floats(0, 1e3),
)
def test_any_values_compare_without_a_warning_and_into_json(pair: Any, atol: Any) -> None:
    found = compared(pair[0], pair[1], atol)
    told = (found.absolute, found.relative)
    numbers = [getattr(item, word) for item in told for word in ("maximum", "mean", "median")]
    assert all(number is None or np.isfinite(number) for number in numbers)
    same = [a == b or (np.isnan(a) and np.isnan(b)) for a, b in pair.T]
    near = [bool(np.isfinite(a) and np.isfinite(b) and abs(float(a) - float(b)) <= atol) for a, b in pair.T]
    assert found.mismatched == sum(not (one or other) for one, other in zip(same, near))
