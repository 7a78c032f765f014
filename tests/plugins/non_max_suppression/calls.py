"""The operator by its kernels, wherever they run, and boxes that tests take."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.plugins.cpu.kernels import Kernels, Output, Scratch

Array = Any

SYMBOLS = {"float32": "run_float", "float16": "run_half"}
# As in kernel.hpp.
OVERLAP_BYTES = 128 << 20


def attributes(**given: Any) -> dict[str, Any]:
    """Those of an operator, as a graph has them."""
    plain = {"center_point_box": 0, "max_output_boxes_per_class": 0, "iou_threshold": 0.5, "score_threshold": 0.0}
    return {**plain, "offset": 0, "legacy": 0, **given}


def numbers(scores: tuple[int, ...], how: dict[str, Any], overlap_bytes: int = OVERLAP_BYTES) -> tuple[float, ...]:
    """Sizes and attributes as the binding takes them."""
    most = min(how["max_output_boxes_per_class"] or scores[2], scores[2])
    whole = (*scores, most, how["center_point_box"], how["legacy"], overlap_bytes)
    return (*whole, float(how["iou_threshold"]), float(how["score_threshold"]), float(how["offset"]))


def suppressed(
    kernels: Kernels, boxes: Array, scores: Array, how: dict[str, Any], overlap_bytes: int = OVERLAP_BYTES
) -> Array:
    """What the kernels give."""
    told = numbers(scores.shape, how, overlap_bytes)
    workspace = Scratch(kernels.status("workspace_bytes", *told))
    output = Output((int(np.prod(told[:2]) * told[3]), 3), np.int32)
    return kernels.call(SYMBOLS[boxes.dtype.name], *told, boxes, scores, output, workspace, None)[0]


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
