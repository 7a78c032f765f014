"""Answers of networks with queries: DETR and Deformable-DETR. Each query has a box, so that none suppresses another."""

from __future__ import annotations

from typing import Any, List, Tuple

import numpy as np

from .answers import Answers, Limits, Outputs, above, sigmoid, the_output
from .boxes import corners
from .fitting import Size

Array = Any


def detr(outputs: Outputs, size: Size, limits: Limits) -> List[Answers]:
    """Of N x queries x classes, before a softmax whose last class is "nothing", and N x queries x 4."""
    logits, boxes = _logits_and_boxes(outputs, size)
    shares = np.exp(logits - logits.max(-1, keepdims=True))
    shares = (shares / shares.sum(-1, keepdims=True))[..., :-1]
    return [above(Answers(box, share.max(-1), share.argmax(-1)), limits) for share, box in zip(shares, boxes)]


def deformable_detr(outputs: Outputs, size: Size, limits: Limits) -> List[Answers]:
    """Of N x queries x classes, each class before a sigmoid of its own, and N x queries x 4.

    A query may be found as several classes.
    """
    logits, boxes = _logits_and_boxes(outputs, size)
    classes = logits.shape[-1]
    found = []
    for scores, box in zip(sigmoid(logits).reshape(len(logits), -1), boxes):
        numbers = np.arange(scores.size)
        found.append(above(Answers(box[numbers // classes], scores, numbers % classes), limits))
    return found


def _logits_and_boxes(outputs: Outputs, size: Size) -> Tuple[Array, Array]:
    """The logits, and boxes as corners in pixels of the input."""
    names = [name for name, array in outputs.items() if array.ndim == 3 and array.shape[-1] == 4]
    if len(names) > 1:
        # With four classes, shapes do not tell.
        names = [name for name in names if "box" in name.lower()]
    boxes = the_output(outputs, "of boxes, N x queries x 4", lambda name, x: name in names)
    logits = the_output(outputs, "of classes, N x queries x classes", lambda name, x: x.ndim == 3 and name not in names)
    return logits, corners(boxes) * np.array(size * 2, np.float32)
