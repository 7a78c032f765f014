"""Boxes in NumPy: their forms, how far two overlap, and which of many that overlap stay."""

from __future__ import annotations

from typing import Any, List

import numpy as np

Array = Any


def corners(boxes: Array) -> Array:
    """Centre, width and height (... x 4) as left, top, right, bottom."""
    middle, half = boxes[..., :2], boxes[..., 2:] / 2
    return np.concatenate([middle - half, middle + half], -1)


def overlaps(box: Array, others: Array) -> Array:
    """Shared area of a box with each of n others, as a share of the area of both; 0 where a box has no area."""
    sides = np.minimum(box[2:], others[:, 2:]) - np.maximum(box[:2], others[:, :2])
    shared = np.prod(np.maximum(sides, 0), -1)
    whole = np.prod(box[2:] - box[:2]) + np.prod(others[:, 2:] - others[:, :2], -1) - shared
    return np.where(shared > 0, shared / np.where(whole > 0, whole, 1), 0)


def best(boxes: Array, scores: Array, classes: Array, overlap: float, top: int) -> Array:
    """Numbers of the boxes that stay, best first: none overlaps a better one of its class by more than `overlap`.

    Args:
        boxes: n x left, top, right, bottom.
        scores: n; of equal ones the first comes first.
        classes: n whole numbers.
        overlap: Intersection over union.
        top: No more than so many.
    """
    left = np.argsort(-scores, kind="stable")
    kept: List[int] = []
    while len(left) and len(kept) < top:
        first, left = left[0], left[1:]
        kept.append(int(first))
        rivals = (classes[left] == classes[first]) & (overlaps(boxes[first], boxes[left]) > overlap)
        left = left[~rivals]
    return np.array(kept, np.int64)
