"""The reference against ONNX Runtime's NonMaxSuppression."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from plugins.non_max_suppression.reference import reference

from .calls import attributes, crowd
from .onnx_answer import onnx_rows


@pytest.mark.parametrize("levels", [0, 7])
@pytest.mark.parametrize("most", [0, 1, 5])
@pytest.mark.parametrize("score", [0.0, 0.5])
@pytest.mark.parametrize("centred", [0, 1])
def test_rows_are_those_of_onnx_runtime(centred: int, score: float, most: int, levels: int) -> None:
    boxes, scores = crowd(most, 2, 3, 90, levels=levels)
    if centred:
        boxes[..., 2:] = np.abs(boxes[..., 2:] - boxes[..., :2])
    how = attributes(center_point_box=centred, score_threshold=score, max_output_boxes_per_class=most)
    (found,) = reference([boxes, scores], how)
    wanted = onnx_rows(boxes, scores, how)
    np.testing.assert_array_equal(found[: len(wanted)], wanted)
    np.testing.assert_array_equal(found[len(wanted) :], -1)


def test_the_best_box_below_the_threshold_stays_as_before_only_where_asked() -> None:
    boxes = np.array([[[0, 0, 1, 1], [5, 5, 6, 6]]], np.float32)
    scores = np.array([[[0.1, 0.2]]], np.float32)
    how: dict[str, Any] = attributes(score_threshold=0.5)
    assert reference([boxes, scores], how)[0].tolist() == [[-1, -1, -1]] * 2
    assert reference([boxes, scores], {**how, "legacy": 1})[0].tolist() == [[0, 0, 1], [-1, -1, -1]]


def test_a_border_makes_boxes_overlap() -> None:
    boxes = np.array([[[0, 0, 1, 1], [2, 0, 3, 1]]], np.float32)
    scores = np.ones((1, 1, 2), np.float32)
    for offset, wanted in ((0, [0, 1]), (1, [0, 1])):
        assert reference([boxes, scores], attributes(offset=offset))[0][:, 2].tolist() == wanted
    how = attributes(offset=1, iou_threshold=0.1)
    boxes[0, 1, 0] = 1
    assert reference([boxes, scores], how)[0][:, 2].tolist() == [0, -1]
    assert reference([boxes, scores], {**how, "offset": 0})[0][:, 2].tolist() == [0, 1]
