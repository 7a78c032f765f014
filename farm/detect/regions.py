"""Answers of networks that give objects as they are: Mask R-CNN."""

from __future__ import annotations

from typing import List

from .answers import Answers, Limits, Outputs, above, the_output
from .fitting import Size


def mask_rcnn(outputs: Outputs, size: Size, limits: Limits) -> List[Answers]:
    """Of N x n x 4 corners in pixels, N x n whole numbers of classes and N x n scores. Masks are not looked at."""
    boxes = the_output(outputs, "of boxes, N x n x 4", lambda name, x: x.ndim == 3 and x.shape[-1] == 4)
    classes = the_output(
        outputs, "of classes, N x n whole numbers", lambda name, x: x.ndim == 2 and x.dtype.kind in "iu"
    )
    scores = the_output(outputs, "of scores, N x n", lambda name, x: x.ndim == 2 and x.dtype.kind == "f")
    return [above(Answers(*found), limits) for found in zip(boxes, scores, classes)]
