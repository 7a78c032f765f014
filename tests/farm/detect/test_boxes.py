from __future__ import annotations

import numpy as np
import pytest

from farm.detect.boxes import best, corners, overlaps
from plugins.non_max_suppression.reference import reference


def test_corners_lie_around_the_centre() -> None:
    np.testing.assert_array_equal(corners(np.array([[10.0, 20, 4, 6]])), [[8, 17, 12, 23]])


def test_overlaps_are_shares_of_the_area_of_both() -> None:
    box = np.array([0.0, 0, 10, 10])
    others = np.array([[0.0, 0, 10, 10], [5, 0, 15, 10], [10, 0, 20, 10], [2, 2, 2, 8], [20, 20, 30, 30]])
    np.testing.assert_allclose(overlaps(box, others), [1, 50 / 150, 0, 0, 0])


@pytest.mark.parametrize(("seed", "overlap"), [(0, 0.45), (1, 0.2), (2, 0.7)])
def test_the_best_are_those_of_the_plugin(seed: int, overlap: float) -> None:
    """Each class for itself, against ONNX's NonMaxSuppression in NumPy."""
    random = np.random.default_rng(seed)
    middles, sides = random.uniform(0, 20, (200, 2)), random.uniform(10, 40, (200, 2))
    boxes = corners(np.concatenate([middles, sides], 1).astype(np.float32))
    scores = random.permutation(np.linspace(0.01, 1, 200)).astype(np.float32)
    classes = random.integers(0, 3, 200)
    kept = best(boxes, scores, classes, overlap, 1000)
    assert list(scores[kept]) == sorted(scores[kept], reverse=True)
    of_each = np.where(classes == np.arange(3)[:, None], scores, 0)[None]
    (rows,) = reference([boxes[None], of_each], {"iou_threshold": overlap, "score_threshold": 0.0})
    expected = {int(box) for _, kind, box in rows if kind >= 0}
    assert 3 < len(expected) < 180
    assert set(kept.tolist()) == expected


def test_no_more_than_asked_for_are_kept() -> None:
    boxes = np.array([[0.0, 0, 1, 1], [5, 5, 6, 6], [9, 9, 10, 10]])
    assert best(boxes, np.array([0.1, 0.3, 0.2]), np.zeros(3, int), 0.5, 2).tolist() == [1, 2]
    assert best(np.zeros((0, 4)), np.zeros(0), np.zeros(0, int), 0.5, 2).tolist() == []
