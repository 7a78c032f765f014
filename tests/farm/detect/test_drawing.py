from __future__ import annotations

from typing import Tuple

import numpy as np
import pytest
from PIL import Image

from farm.detect import Found, drawn
from farm.detect.drawing import colour_of, label_area

SIZE = (400, 300)
PICTURE = Image.fromarray(np.random.default_rng(2).integers(0, 256, (300, 400, 3), dtype=np.uint8))
BOX = (100.0, 120.0, 220.0, 240.0)


def changed(*found: Found) -> np.ndarray:
    """Where the picture is another one."""
    different: np.ndarray = (np.asarray(drawn(PICTURE, found)) != np.asarray(PICTURE)).any(-1)
    return different


def test_the_picture_changes_at_the_box_and_its_label_only() -> None:
    where = changed(Found("cat", 17, 0.98, BOX))
    # Colours of a few pixels are by chance those that are drawn.
    edges = [where[120:240, 100:102], where[120:240, 218:220], where[120:122, 100:220], where[238:240, 100:220]]
    assert all(edge.mean() > 0.95 for edge in edges)
    assert not where[122:238, 102:218].any()
    label = where[90:120, 100:220].copy()
    assert 0.1 < label.mean() < 0.9
    where[120:240, 100:220] = where[90:120, 100:220] = False
    assert not where.any()


def test_the_picture_that_is_given_stays_as_it_is() -> None:
    before = np.asarray(PICTURE).copy()
    assert changed(Found("cat", 17, 0.98, BOX)).any()
    np.testing.assert_array_equal(np.asarray(PICTURE), before)
    assert not changed().any()


def test_the_best_is_on_top() -> None:
    best, other = Found("cat", 1, 0.9, BOX), Found("dog", 2, 0.8, BOX)
    pixels = np.asarray(drawn(PICTURE, (best, other)))
    assert tuple(pixels[180, 100]) == colour_of(1) != colour_of(2)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((50, 100, 90, 140), (50, 85, 93, 99)),
        ((50, 5, 90, 140), (50, 5, 93, 19)),
        ((390, 100, 400, 140), (356, 85, 399, 99)),
        ((0, 298, 10, 300), (0, 283, 43, 297)),
    ],
)
def test_labels_stay_in_the_picture(box: Tuple[int, ...], expected: Tuple[int, ...]) -> None:
    assert label_area((0, 0, 40, 12), box, SIZE) == expected


@pytest.mark.parametrize("box", [(0.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 1.0), (2.0, 3.0, 2.0, 3.0)])
def test_the_smallest_boxes_and_pictures_can_be_drawn(box: Tuple[float, ...]) -> None:
    found = Found("something with a long name", 3, 0.5, box)
    assert drawn(Image.new("RGB", (3, 4)), [found]).size == (3, 4)


def test_classes_have_colours_of_their_own() -> None:
    colours = [colour_of(number) for number in range(91)]
    assert len(set(colours)) == 91
