"""Values of an image at places that a grid names: PyTorch's `grid_sample`, for images and for volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

Array = Any

BILINEAR, NEAREST, BICUBIC = range(3)
ZEROS, BORDER, REFLECTION = range(3)
# Of the cubic convolution, as PyTorch has it.
_SHARPNESS = -0.75
# Places beyond are taken for no place: they have no fraction any more.
_FARTHEST = 1e9


def reference(inputs: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    """[N, C, (depth,) height, width of the grid] for [input, grid]; coordinates of the grid are x, y(, z) in -1 … 1."""
    import numpy as np

    image, grid = (np.asarray(item) for item in inputs)
    sizes = image.shape[2:]
    # The last coordinate of the grid belongs to the first axis of the image.
    places = [_source(grid[..., axis].astype(np.float32), size, attributes) for axis, size in enumerate(sizes[::-1])]
    taps = [_taps(at, size, attributes) for at, size in zip(places[::-1], sizes)]
    output = np.zeros((*image.shape[:2], *grid.shape[1:-1]), np.float32)
    wide = image.astype(np.float32)
    for n in range(len(image)):
        for corner in product(*([(index[n], weight[n]) for index, weight in axis] for axis in taps)):
            output[n] += _weighted(wide[n], corner)
    return [output.astype(image.dtype)]


def _weighted(image: Array, corner: Sequence[tuple[Array, Array]]) -> Array:
    import numpy as np

    inside = np.logical_and.reduce([(at >= 0) & (at < size) for (at, _), size in zip(corner, image.shape[1:])])
    index = tuple(np.where(inside, at, 0) for at, _ in corner)
    weight = np.ones_like(corner[0][1])
    for _, part in corner:
        weight = weight * part
    return np.where(inside, image[(slice(None), *index)], np.float32(0)) * weight


def _source(coordinate: Array, size: int, attributes: Mapping[str, Any]) -> Array:
    """In elements of the image, from -1 … 1; still outside where the mode pads later or not at all."""
    import numpy as np

    one, two = np.float32(1), np.float32(2)
    with np.errstate(invalid="ignore", over="ignore"):
        if attributes.get("align_corners", 0):
            at = (coordinate + one) / two * np.float32(size - 1)
        else:
            at = ((coordinate + one) * np.float32(size) - one) / two
        return at if attributes.get("interpolation_mode", 0) == BICUBIC else _padded(at, size, attributes)


def _padded(at: Array, size: int, attributes: Mapping[str, Any]) -> Array:
    import numpy as np

    padding = attributes.get("padding_mode", 0)
    if padding == REFLECTION:
        at = _reflected(at, size, bool(attributes.get("align_corners", 0)))
    if padding != ZEROS:
        return np.fmin(np.float32(size - 1), np.fmax(at, np.float32(0)))
    return at


def _reflected(at: Array, size: int, align: bool) -> Array:
    import numpy as np

    low, span = (np.float32(0), np.float32(size - 1)) if align else (np.float32(-0.5), np.float32(size))
    if span == 0:
        return np.zeros_like(at)
    far = np.abs(at - low)
    rest = np.fmod(far, span)
    even = np.fmod(np.floor(far / span), np.float32(2)) == 0
    return np.where(even, rest + low, span - rest + low)


def _taps(at: Array, size: int, attributes: Mapping[str, Any]) -> list[tuple[Array, Array]]:
    """Which elements along an axis count for a place, and how much each; an index may lie outside."""
    import numpy as np

    mode = attributes.get("interpolation_mode", 0)
    # What is far outside, or nowhere, is outside; of the cubic one, the elements are padded, not the place.
    known = np.abs(at) < _FARTHEST if mode == BICUBIC else (at >= -1) & (at < size + 1)
    at = np.where(known, at, np.float32(-100))
    if mode == NEAREST:
        whole = np.trunc(at + np.copysign(np.float32(0.5), at)) if attributes.get("legacy", 0) else np.rint(at)
        return [(whole.astype(np.int64), np.ones_like(at))]
    low = np.floor(at)
    part = at - low
    first = low.astype(np.int64)
    if mode == BILINEAR:
        return [(first, 1 - part), (first + 1, part)]
    indices = [_padded((first + step).astype(np.float32), size, attributes).astype(np.int64) for step in (-1, 0, 1, 2)]
    return list(zip(indices, _cubic(part)))


def _cubic(part: Array) -> list[Array]:
    def near(x: Array) -> Array:
        return ((_SHARPNESS + 2) * x - (_SHARPNESS + 3)) * x * x + 1

    def far(x: Array) -> Array:
        return ((_SHARPNESS * x - 5 * _SHARPNESS) * x + 8 * _SHARPNESS) * x - 4 * _SHARPNESS

    return [far(part + 1), near(part), near(1 - part), far(2 - part)]
