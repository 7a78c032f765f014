"""The operator by its kernels, wherever they run, and boxes that tests take."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.plugins.cpu.kernels import Kernels, Output, Scratch

Array = Any

# As in kernel.hpp.
OVERLAP_BYTES = 128 << 20


def attributes(**given: Any) -> dict[str, Any]:
    """Those of an operator, as a graph has them."""
    plain = {"center_point_box": 0, "max_output_boxes_per_class": 0, "iou_threshold": 0.5, "score_threshold": 0.0}
    return {**plain, "offset": 0, "legacy": 0, **given}


def told(scores: tuple[int, ...], how: dict[str, Any], overlap_bytes: int = OVERLAP_BYTES) -> tuple[Array, Array]:
    """Sizes and attributes as the binding takes them."""
    most = min(how["max_output_boxes_per_class"] or scores[2], scores[2])
    whole = [*scores, most, how["center_point_box"], how["legacy"], overlap_bytes]
    fractions = [how["iou_threshold"], how["score_threshold"], how["offset"]]
    return np.array(whole, np.int64), np.array(fractions, np.float32)


def suppressed(
    kernels: Kernels, boxes: Array, scores: Array, how: dict[str, Any], overlap_bytes: int = OVERLAP_BYTES
) -> Array:
    """What the kernels give."""
    numbers = told(scores.shape, how, overlap_bytes)
    (size,) = kernels.call("non_max_suppression_workspace", *numbers, Output((1,), np.int64))
    images, classes, _, most = numbers[0][:4]
    output = Output((int(images * classes * most), 3), np.int32)
    symbol = f"non_max_suppression_{boxes.dtype.name}"
    return kernels.call(symbol, boxes, scores, output, Scratch(int(size[0])), *numbers, None)[0]


def crowd(
    seed: int, images: int, classes: int, boxes: int, dtype: str = "float32", levels: int = 0
) -> tuple[Array, Array]:
    """Boxes in heaps, by any two opposite corners, and scores; of `levels` different values, where that is not 0."""
    draw = np.random.default_rng(seed)
    heaps = draw.uniform(0, 100, (max(boxes // 6, 1), 2))
    middles = heaps[draw.integers(0, len(heaps), (images, boxes))] + draw.normal(0, 2, (images, boxes, 2))
    sizes = draw.uniform(4, 20, (images, boxes, 2)) * draw.choice([-1, 1], (images, boxes, 2))
    corners = np.concatenate([middles - sizes / 2, middles + sizes / 2], -1)
    scores = draw.uniform(-0.2, 1, (images, classes, boxes))
    if levels:
        scores = np.round(scores * levels) / levels
    return corners.astype(dtype), scores.astype(dtype)
