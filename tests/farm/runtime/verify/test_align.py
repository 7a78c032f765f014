from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from farm.protocol.options import Comparator
from farm.runtime.verify.align import CHUNK, align, match_rows
from farm.runtime.verify.tolerance import Tolerance

NEAR = Tolerance(atol=0.01, rtol=0.0)


def pairs(comparator: Any, output: Any, reference: Any, tolerance: Any = NEAR) -> Any:
    aligned = align(comparator, np.asarray(output), np.asarray(reference), tolerance)
    taken = list(aligned.pairs())
    return aligned, [np.concatenate([pair[side] for pair in taken]).tolist() for side in (0, 1)]


def test_ordered_keeps_the_order_over_chunks() -> None:
    values = np.arange(2 * CHUNK + 5)
    aligned = align(Comparator.ORDERED, values, values + 1, NEAR)
    assert [pair[0].size for pair in aligned.pairs()] == [CHUNK, CHUNK, 5]
    assert np.array_equal(np.concatenate([pair[1] for pair in aligned.pairs()]), values + 1)


def test_sorted_ignores_the_order_along_the_last_axis_only() -> None:
    aligned, (output, reference) = pairs(Comparator.SORTED, [[3.0, 1.0], [2.0, 4.0]], [[1.0, 3.0], [4.0, 2.0]])
    assert output == reference == [1.0, 3.0, 2.0, 4.0]
    assert aligned.elements == 4


def test_sorted_takes_a_scalar_as_it_is() -> None:
    assert pairs(Comparator.SORTED, 2.0, 3.0)[1] == [[2.0], [3.0]]


def test_boxes_match_rows_in_any_order() -> None:
    reference = np.random.default_rng(0).random((20, 6))
    order = np.random.default_rng(1).permutation(20)
    aligned, (output, expected) = pairs(Comparator.BOXES, reference[order] + 0.001, reference)
    assert np.allclose(output, expected, atol=0.0011)
    assert (aligned.unmatched, aligned.missing, aligned.rows) == (0, 0, 20)


def test_each_batch_matches_on_its_own() -> None:
    reference = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])
    same_rows_in_another_batch = reference[::-1]
    assert align(Comparator.BOXES, same_rows_in_another_batch, reference, NEAR).unmatched == 4


@pytest.mark.parametrize(("output", "reference"), [([[1.0], [2.0], [3.0]], [[3.0], [1.0]]), ([[3.0]], [[1.0], [3.0]])])
def test_a_row_too_many_or_too_few_is_counted(output: Any, reference: Any) -> None:
    aligned, (matched, expected) = pairs(Comparator.BOXES, output, reference)
    assert matched == expected
    assert (aligned.unmatched, aligned.missing) == (1, 1)


def test_no_rows_on_one_side_leaves_all_of_the_other_unmatched() -> None:
    aligned = align(Comparator.BOXES, np.zeros((0, 4)), np.ones((3, 4)), NEAR)
    assert (aligned.unmatched, aligned.elements, list(aligned.pairs())) == (3, 0, [])


def test_equal_rows_are_found_before_rows_that_are_only_near() -> None:
    # The second output row is nearest to both; the first reference row must not take it from the second.
    partners, unequal = match_rows(np.array([[1.2], [2.0]]), np.array([[1.8], [2.0]]), NEAR)
    assert partners == [0, 1]
    assert unequal == 1


def test_a_changed_row_among_equal_ones_is_paired_to_tell_its_error() -> None:
    reference = np.arange(12.0).reshape(4, 3)
    output = reference.copy()
    output[2, 1] += 0.5
    aligned, (matched, expected) = pairs(Comparator.BOXES, output, reference)
    assert aligned.unmatched == 1
    assert max(np.abs(np.array(matched) - expected)) == 0.5


def test_matching_is_the_same_every_time_and_survives_nan() -> None:
    output, reference = np.array([[np.nan], [1.0], [1.0]]), np.array([[1.0], [1.0], [np.nan]])
    assert match_rows(output, reference, NEAR) == match_rows(output, reference, NEAR)
    assert sorted(match_rows(output, reference, NEAR)[0]) == [0, 1, 2]


def test_whole_numbers_match_exactly() -> None:
    selected = np.array([[0, 0, 7], [0, 0, 3], [0, 0, 11]])
    exact = Tolerance(0.0, 0.0)
    assert align(Comparator.BOXES, selected[::-1], selected, exact).unmatched == 0
    assert align(Comparator.BOXES, selected[::-1] + np.array([[0, 0, 1]]), selected, exact).unmatched == 3
