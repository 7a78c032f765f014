"""The best boxes of each class, without those that overlap a better one too much: ONNX's NonMaxSuppression, packed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Array = Any


def reference(inputs: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    """int32 [batch * classes * most, 3] for [boxes, scores]: rows (batch, class, box), the unused last ones -1."""
    import numpy as np

    boxes, scores = (np.asarray(item) for item in inputs)
    batch, classes, count = scores.shape
    most = int(attributes.get("max_output_boxes_per_class", 0)) or count
    most = min(most, count)
    corners = _corners(boxes.astype(np.float32), bool(attributes.get("center_point_box", 0)))
    rows = [
        (image, kind, box)
        for image in range(batch)
        for kind in range(classes)
        for box in _kept(corners[image], scores[image, kind].astype(np.float32), most, attributes)
    ]
    output = np.full((batch * classes * most, 3), -1, np.int32)
    if rows:
        output[: len(rows)] = rows
    return [output]


def _corners(boxes: Array, centred: bool) -> Array:
    """Boxes as (least, least, most, most), whichever corners they were given by."""
    import numpy as np

    first, second = boxes[..., :2], boxes[..., 2:]
    if centred:
        half = second / np.float32(2)
        return np.concatenate([first - half, first + half], -1)
    return np.concatenate([np.fmin(first, second), np.fmax(first, second)], -1)


def _kept(boxes: Array, scores: Array, most: int, attributes: Mapping[str, Any]) -> list[int]:
    import numpy as np

    threshold = np.float32(attributes.get("score_threshold", 0.0))
    order = np.argsort(-scores, kind="stable")
    wanted = scores[order] > threshold
    if attributes.get("legacy", 0) and len(order):
        wanted[0] = wanted[0] or not np.isnan(scores[order[0]])
    limit, border = np.float32(attributes.get("iou_threshold", 0.0)), np.float32(attributes.get("offset", 0))
    left = order[wanted]
    kept: list[int] = []
    while len(left) and len(kept) < most:
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[~(_overlap(boxes[best], boxes[left], border) > limit)]
    return kept


def _overlap(box: Array, others: Array, border: Array) -> Array:
    """Intersection over union; 0 where a box has no area or the two do not meet."""
    import numpy as np

    # Of coordinates that are not finite, differences may be NaN: such a box meets nothing.
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
        shared = np.prod(np.maximum(high - low + border, np.float32(0)), -1)
        area, areas = np.prod(box[2:] - box[:2] + border), np.prod(others[:, 2:] - others[:, :2] + border, -1)
        union = area + areas - shared
        return np.where((shared > 0) & (area > 0) & (areas > 0) & (union > 0), shared / union, np.float32(0))
