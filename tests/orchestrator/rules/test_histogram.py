from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.rules.histogram import histogram


@given(st.lists(st.floats(1e-3, 1e4), min_size=1), st.integers(1, 50))
def test_no_sample_is_lost(samples: list[float], bins: int) -> None:
    found = histogram(samples, bins)
    assert found
    assert sum(found.counts) + found.above == len(samples)
    assert found.first == min(samples)
    assert 1 <= len(found.counts) <= bins
    assert found.above <= len(samples) // 20


def test_a_pause_does_not_hide_the_others() -> None:
    found = histogram([1.0 + place / 1000.0 for place in range(199)] + [500.0], 10)
    assert found
    assert found.above == 10
    assert found.last < 1.2
    assert min(found.counts) >= 17


def test_equal_samples_are_one_bin() -> None:
    found = histogram([2.5] * 300 + [9.0], 20)
    assert found
    assert (found.counts, found.above, found.last) == ((300,), 1, 2.5)


def test_nothing_has_no_histogram() -> None:
    assert histogram([], 10) is None
