from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.detect.fitting import FITS, Placement, placed

SIDES = st.integers(1, 3000)


@pytest.mark.parametrize(
    ("picture", "into", "fit", "expected"),
    [
        ((640, 480), (1920, 1280), "stretch", Placement((640, 480), (1920, 1280))),
        ((1280, 720), (640, 640), "letterbox", Placement((1280, 720), (640, 360), 0, 140)),
        ((720, 1280), (640, 640), "letterbox", Placement((720, 1280), (360, 640), 140, 0)),
        # An odd row is put below.
        ((100, 97), (100, 100), "letterbox", Placement((100, 97), (100, 97), 0, 1)),
        ((1280, 720), (640, 640), "corner", Placement((1280, 720), (640, 360))),
        ((100000, 2), (640, 640), "letterbox", Placement((100000, 2), (640, 1), 0, 319)),
    ],
)
def test_a_picture_is_placed(picture: tuple[int, int], into: tuple[int, int], fit: str, expected: Placement) -> None:
    assert placed(picture, into, fit) == expected


@given(SIDES, SIDES, SIDES, SIDES, st.sampled_from(FITS))
def test_what_is_placed_comes_back(width: int, height: int, columns: int, rows: int, fit: str) -> None:
    placement = placed((width, height), (columns, rows), fit)
    scaled, left, top = placement.scaled, placement.left, placement.top
    assert 0 <= left <= left + scaled[0] <= columns
    assert 0 <= top <= top + scaled[1] <= rows
    whole = placement.to_picture(np.array([[left, top, left + scaled[0], top + scaled[1]], [0, 0, columns, rows]]))
    np.testing.assert_allclose(whole, [[0, 0, width, height]] * 2, atol=1e-6)
    middle = placement.to_picture(np.array([[left + scaled[0] / 2, top, left + scaled[0], top + scaled[1] / 2]]))
    np.testing.assert_allclose(middle, [[width / 2, 0, width, height / 2]], atol=1e-6)


def test_no_boxes_are_no_boxes() -> None:
    assert placed((10, 10), (20, 20), "stretch").to_picture(np.zeros((0, 4))).shape == (0, 4)
