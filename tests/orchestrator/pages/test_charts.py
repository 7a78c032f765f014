from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.pages import charts


@given(st.floats(0.0, 1e6), st.floats(1e-3, 1e6), st.integers(1, 9))
def test_ticks_are_round_ascending_and_inside(low: float, span: float, count: int) -> None:
    scale = charts.horizontal(low, low + span)
    ticks = scale.ticks(count)
    assert len(ticks) <= count + 1
    places = [tick.at for tick in ticks]
    assert places == sorted(places)
    assert all(charts.LEFT - 1 <= place <= charts.WIDTH - charts.RIGHT + 1 for place in places)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.0, 10.0, ["0", "2", "4", "6", "8", "10"]),
        (1.0, 1.1, ["1.00", "1.02", "1.04", "1.06", "1.08", "1.10"]),
        (0.0, 1200.0, ["0", "250", "500", "750", "1000"]),
    ],
)
def test_a_tick_says_as_many_digits_as_its_step_has(low: float, high: float, labels: list[str]) -> None:
    assert [tick.label for tick in charts.horizontal(low, high).ticks(5)] == labels


def test_columns_stand_on_the_bottom_side_by_side() -> None:
    found = charts.columns((1, 4, 2), 2.0, 0.5)
    bottom = charts.HEIGHT - charts.BOTTOM
    assert [bar.y + bar.height for bar in found.bars] == [bottom] * 3
    assert found.bars[1].y == charts.TOP
    assert found.bars[0].x == charts.LEFT
    assert all(one.x + one.width < other.x for one, other in zip(found.bars, found.bars[1:], strict=False))


def test_equal_samples_are_one_column_in_the_middle() -> None:
    (bar,) = charts.columns((300,), 2.5, 0.0).bars
    assert bar.x == pytest.approx((charts.LEFT + charts.WIDTH - charts.RIGHT) / 2, abs=10)


def test_values_close_together_are_not_shown_from_zero() -> None:
    assert charts.room([9.0, 10.0]) == (8.75, 10.25)
    assert charts.room([1.0, 10.0]) == (0.0, 10.8)
    low, high = charts.room([5.0])
    assert 0.0 < low < 5.0 < high


def test_a_path_begins_and_goes_on() -> None:
    assert charts.path([(1.0, 2.5), (3.0, 4.0)]) == "M1 2.5 L3 4"
