from __future__ import annotations

import math

import pytest

from worker.host.diagnose.search import first_failing


@pytest.mark.parametrize("culprit", [1, 2, 37, 99, 100])
def test_the_first_failing_beginning_is_found_with_few_questions(culprit: int) -> None:
    asked = []

    def fails(count: int) -> bool:
        asked.append(count)
        return count >= culprit

    assert first_failing(range(1, 101), fails) == (culprit - 1, culprit)
    assert len(asked) == len(set(asked)) <= math.ceil(math.log2(100))
    assert 100 not in asked


def test_between_places_lies_more_than_one() -> None:
    assert first_failing((2, 5, 9), lambda count: count >= 4) == (2, 5)
    assert first_failing((9,), lambda count: True) == (0, 9)
