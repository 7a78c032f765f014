from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.rules.drift import Given, drift


def kept(*values: float, error: float | None = 0.5, **changed: object) -> Given:
    """All values of an output."""
    return replace(Given((len(values),), len(values), values, error, "same"), **changed)  # type: ignore[arg-type]


_FLOATS = st.floats(-1e6, 1e6)


@given(st.lists(st.tuples(_FLOATS, _FLOATS, _FLOATS), min_size=1))
def test_the_worst_is_that_of_the_pair_that_is_farthest_apart(rows: list[tuple[float, float, float]]) -> None:
    devices = [kept(*column, error=None) for column in zip(*rows, strict=True)]
    found = drift(devices)
    pairs = [
        max(abs(a - b) for a, b in zip(one.values, other.values, strict=True)) for one in devices for other in devices
    ]
    assert found.worst == max(pairs)
    assert found.own == tuple(max(pairs[3 * place : 3 * place + 3]) for place in range(3))
    assert (found.compared, found.torn, found.every) == (len(rows), 0, True)


def test_the_share_is_of_the_root_mean_square_of_the_first() -> None:
    assert drift([kept(3.0, 4.0), kept(3.0, 4.5)]).share == pytest.approx(0.5 / math.sqrt((9 + 16) / 2))
    assert drift([kept(0.0), kept(0.0)]).share is None


def test_two_errors_together_bound_what_was_not_kept() -> None:
    some = {"elements": 100, "shape": (100,)}
    found = drift([kept(1.0, error=0.2, **some), kept(1.1, error=0.3, **some), kept(1.0, error=0.1, **some)])
    assert (found.at_most, found.every) == (0.5, False)
    assert drift([kept(1.0), kept(1.0, error=None)]).at_most is None
    assert drift([kept(1.0), kept(1.0, reference="other")]).at_most is None


def test_what_is_not_finite_everywhere_is_counted_where_it_is_not_alike() -> None:
    nan, inf = math.nan, math.inf
    found = drift([kept(1.0, nan, inf, inf, 2.0), kept(1.0, nan, inf, -inf, nan)])
    assert (found.worst, found.torn, found.compared) == (0.0, 2, 1)
    huge = drift([kept(1e308, 1e308), kept(1e308, 1e308)])
    assert (huge.worst, huge.torn, huge.compared) == (0.0, 0, 2)
    nothing = drift([kept(nan), kept(1.0)])
    assert (nothing.worst, nothing.torn) == (None, 1)
    assert "finite" in nothing.reason


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (None, "no other engine"),
        (kept(1.0, 2.0), "shape"),
        (kept(1.0, values=()), "kept values"),
    ],
)
def test_what_does_not_compare_says_why(other: Given | None, reason: str) -> None:
    found = drift([kept(1.0), other] if other else [kept(1.0)])
    assert found.worst is None
    assert reason in found.reason
