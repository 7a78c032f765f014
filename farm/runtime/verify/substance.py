"""Whether a reference can prove anything. An output that is always the same is right on every engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Iterator, Optional

import numpy as np

from .align import CHUNK

Array = Any

# Values within this share of the largest magnitude of each other are one value.
_SAME = 1e-6
# Values within this share of the range from the smallest or the largest stand at that end.
_AT_AN_END = 1e-3
# Fewer elements always stand at two ends; what counts for them is whether a bounded function has run into its bound.
_FEW = 8
_BOUNDS = np.array([-1.0, 0.0, 1.0])


@dataclass(frozen=True)
class Magnitude:
    """The finite values of an array: how many, their least, greatest, and root mean square."""

    count: int
    least: float
    greatest: float
    rms: float


def magnitude(array: Array) -> Magnitude:
    """The magnitude of an array of numbers or truth values, in bounded memory."""
    count, least, greatest, scale, squares = 0, math.inf, -math.inf, 0.0, 0.0
    for values in _finite(array):
        if values.size:
            count += values.size
            least = min(least, float(values.min()))
            greatest = max(greatest, float(values.max()))
    scale = max(abs(least), abs(greatest)) if count else 0.0
    if scale:
        # Scaled first: the square of 1e200 has no float.
        squares = sum(float(np.square(values / scale).sum()) for values in _finite(array))
    rms = min(scale * math.sqrt(squares / count), np.finfo(np.float64).max) if count else 0.0
    return Magnitude(count, least if count else 0.0, greatest if count else 0.0, float(rms))


def insubstantial(array: Array, size: Magnitude) -> Optional[str]:
    """Why agreement with this reference would prove nothing, as one clause; None where it would prove something."""
    if size.count == 0:
        return "the reference holds no finite value"
    extent = size.greatest - size.least
    if size.count > 1 and extent <= _SAME * max(abs(size.least), abs(size.greatest)):
        return f"the reference is constant ({size.least:g} everywhere)"
    if array.dtype.kind == "f" and _saturated(array, size, extent):
        return f"the reference is saturated (every value stands at {size.least:g} or {size.greatest:g})"
    return None


def _saturated(array: Array, size: Magnitude, extent: float) -> bool:
    if size.count < _FEW:
        return all(bool((np.abs(values[:, None] - _BOUNDS).min(axis=1) <= _SAME).all()) for values in _finite(array))
    margin = _AT_AN_END * extent
    return all(
        bool((np.minimum(values - size.least, size.greatest - values) <= margin).all()) for values in _finite(array)
    )


def _finite(array: Array) -> Iterator[Array]:
    flat = array.reshape(-1)
    for start in range(0, flat.size, CHUNK):
        values = np.asarray(flat[start : start + CHUNK], dtype=np.float64)
        yield values[np.isfinite(values)]
