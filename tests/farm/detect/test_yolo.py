from __future__ import annotations

import numpy as np
import pytest

from farm.detect.answers import Limits
from farm.detect.yolo import yolov5, yolov8
from farm.protocol.errors import Invalid

LIMITS = Limits(0.25)
# Centre, size, score of an object, scores of three classes.
PLACES = np.array(
    [
        [50, 50, 20, 20, 0.9, 0.9, 0.1, 0.0],
        [51, 50, 20, 20, 0.8, 0.9, 0.1, 0.0],
        # As near, and of another class.
        [50, 51, 20, 20, 0.7, 0.1, 0.9, 0.0],
        # Sure that there is something, and not of what.
        [20, 20, 10, 10, 1.0, 0.2, 0.2, 0.2],
        [80, 20, 10, 30, 0.5, 0.0, 0.0, 1.0],
    ],
    np.float32,
)


def test_a_score_is_that_of_the_object_times_that_of_its_best_class() -> None:
    (answers,) = yolov5({"detections": PLACES[None]}, (100, 100), LIMITS)
    np.testing.assert_allclose(answers.scores, [0.81, 0.63, 0.5], atol=1e-6)
    assert answers.classes.tolist() == [0, 1, 2]
    np.testing.assert_allclose(answers.boxes, [[40, 40, 60, 60], [40, 41, 60, 61], [75, 5, 85, 35]])


def test_what_overlaps_stays_where_that_is_allowed() -> None:
    (answers,) = yolov5({"detections": PLACES[None]}, (100, 100), Limits(0.25, overlap=0.99))
    assert answers.classes.tolist() == [0, 0, 1, 2]
    (answers,) = yolov5({"detections": PLACES[None]}, (100, 100), Limits(0.25, top=1))
    assert answers.classes.tolist() == [0]


def test_yolov8_has_no_score_of_objects_and_its_places_last() -> None:
    boxes, scores = PLACES[:, :4], PLACES[:, 4:5] * PLACES[:, 5:]
    found = np.concatenate([boxes, scores], 1).T[None]
    (one,) = yolov8({"output0": found}, (100, 100), LIMITS)
    (other,) = yolov5({"detections": PLACES[None]}, (100, 100), LIMITS)
    for name in ("boxes", "scores", "classes"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), atol=1e-5)


@pytest.mark.parametrize("axes", [4, 5])
def test_maps_are_decoded(axes: int) -> None:
    """One cell of the middle map says something: its second shape, at column 2 of row 1."""
    maps = {}
    for number, stride in enumerate((8, 16, 32)):
        maps[f"map{number}"] = np.full((1, 3, 64 // stride, 96 // stride, 7), -9, np.float32)
    maps["map1"][0, 1, 1, 2] = [0, 0, 0, 0, 5, -5, 5]
    if axes == 4:
        maps = {name: x.transpose(0, 1, 4, 2, 3).reshape(1, 21, *x.shape[2:4]) for name, x in reversed(maps.items())}
    (answers,) = yolov5(maps, (96, 64), LIMITS)
    # A sigmoid of 0 is the middle of the cell, and exactly the size of the shape, 62 x 45.
    np.testing.assert_allclose(answers.boxes, [[40 - 31, 24 - 22.5, 40 + 31, 24 + 22.5]], atol=1e-4)
    assert answers.classes.tolist() == [1]
    np.testing.assert_allclose(answers.scores, [(1 / (1 + np.exp(-5))) ** 2], atol=1e-6)


def test_nothing_found_is_an_empty_answer() -> None:
    for answers in yolov5({"y": np.zeros((2, 9, 8), np.float32)}, (100, 100), LIMITS):
        assert answers.boxes.shape == (0, 4)


def test_other_outputs_are_refused() -> None:
    with pytest.raises(Invalid, match="no output is N x places"):
        yolov5({"boxes": np.zeros((1, 4), np.float32)}, (64, 64), LIMITS)
    with pytest.raises(Invalid, match="the output 'a' is no map of YOLOv5"):
        yolov5({name: np.zeros((1, 4, 8, 8), np.float32) for name in "abc"}, (64, 64), LIMITS)
