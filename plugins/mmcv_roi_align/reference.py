"""Regions of a feature map, each resampled to one size: bilinear samples of every bin, averaged or their largest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Array = Any


def reference(inputs: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    """[K, C, output_height, output_width] for [features, rois]; as torchvision's `roi_align` where the mode is "avg".

    A roi of an image that there is not gives zeros, and so does a bin without samples.
    """
    import numpy as np

    features, rois = (np.asarray(item) for item in inputs)
    bins = (int(attributes["output_height"]), int(attributes["output_width"]))
    output = np.zeros((len(rois), features.shape[1], *bins), features.dtype)
    wide, boxes = features.astype(np.float32), rois.astype(np.float32)
    for roi, (image, *corners) in enumerate(boxes):
        if 0 <= image < len(wide):
            output[roi] = _resampled(wide[int(image)], np.asarray(corners), bins, attributes)
    return [output]


def _resampled(image: Array, corners: Array, bins: tuple[int, int], attributes: Mapping[str, Any]) -> Array:
    import numpy as np

    x1, y1, x2, y2 = corners
    rows, rows_inside, row_count = _samples(y1, y2, bins[0], image.shape[1], attributes)
    columns, columns_inside, column_count = _samples(x1, x2, bins[1], image.shape[2], attributes)
    if row_count * column_count == 0:
        return np.zeros((len(image), *bins), np.float32)
    value = _between(_between(image, rows, 1), columns, 2)
    inside = rows_inside[:, None] & columns_inside[None, :]
    value = np.where(inside, value, np.float32(0)).reshape(len(image), bins[0], row_count, bins[1], column_count)
    return value.max((2, 4)) if attributes.get("mode", "avg") == "max" else value.mean((2, 4), dtype=np.float32)


def _samples(low: Array, high: Array, bins: int, size: int, attributes: Mapping[str, Any]) -> tuple[Array, Array, int]:
    """Where the samples of all bins are along an axis, which of them count, and how many each bin has."""
    import numpy as np

    aligned = bool(attributes.get("aligned", 1))
    scale, shift = np.float32(attributes.get("spatial_scale", 1.0)), np.float32(0.5 if aligned else 0.0)
    start = low * scale - shift
    length = (high * scale - shift) - start
    if not aligned:
        length = np.maximum(length, np.float32(1))
    width = length / np.float32(bins)
    count = int(attributes.get("sampling_ratio", 0))
    if count == 0:
        count = max(int(np.ceil(width)), 0) if np.isfinite(width) else 0
    inner = (np.arange(count, dtype=np.float32) + np.float32(0.5)) * width / np.float32(max(count, 1))
    at = (start + np.arange(bins, dtype=np.float32) * width)[:, None] + inner[None, :]
    at = at.astype(np.float32).reshape(-1)
    inside = (at >= -1) & (at <= size)
    return np.clip(np.where(inside, at, np.float32(0)), 0, None), inside, count


def _between(values: Array, at: Array, axis: int) -> Array:
    """The values between neighbours along an axis; the last one beyond the end."""
    import numpy as np

    last = values.shape[axis] - 1
    low = np.minimum(at.astype(np.int64), last)
    part = np.where(low == last, np.float32(0), at - low).astype(np.float32)
    shape = [1] * values.ndim
    shape[axis] = -1
    part = part.reshape(shape)
    return np.take(values, low, axis) * (1 - part) + np.take(values, np.minimum(low + 1, last), axis) * part
