"""Boxes that a network moves, as those of Faster R-CNN do."""
# mypy: disable-error-code="misc,import-not-found"

from __future__ import annotations

import math
from typing import Any

import torch

Tensor = Any

# A box becomes at most so many times as wide or high.
_LARGEST = math.log(1000 / 16)


def moved(boxes: Tensor, by: Tensor, weights: tuple[float, float], size: tuple[int, int]) -> Tensor:
    """Boxes that are `by` away, within the image.

    Args:
        boxes: Corners, ... x 4.
        by: Of centres in widths and heights, and of logarithms of these.
        weights: What both are divided by.
        size: Height and width of the image.
    """
    lengths = boxes[..., 2:] - boxes[..., :2]
    centres = boxes[..., :2] + 0.5 * lengths
    centres = by[..., :2] / weights[0] * lengths + centres
    half = (by[..., 2:] / weights[1]).clamp(max=_LARGEST).exp() * lengths * 0.5
    low, high = centres - half, centres + half
    height, width = size
    x = torch.stack((low[..., 0], high[..., 0]), -1).clamp(0, width)
    y = torch.stack((low[..., 1], high[..., 1]), -1).clamp(0, height)
    return torch.stack((x[..., 0], y[..., 0], x[..., 1], y[..., 1]), -1)
