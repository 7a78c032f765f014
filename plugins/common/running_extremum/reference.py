"""The running maximum or minimum along one axis in NumPy, in PyTorch's order of equals and of NaN."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Array = Any


def running(
    inputs: Sequence[Array | None], attributes: Mapping[str, Any], compared: Callable[[Array, Array], Array]
) -> list[Array]:
    """Values and places (int32) of the best element so far, at each place of an axis.

    The last of equals wins, a NaN beats all. With the attribute `legacy` the first of equals wins, and a NaN is seen
    only in the first place.

    Args:
        inputs: The tensor.
        attributes: `dim`, 0 without one, counted from the end when negative; `legacy`, off without one.
        compared: `numpy.greater` or `numpy.less`.
    """
    import numpy as np

    given = np.asarray(inputs[0])
    axis = int(attributes.get("dim", 0))
    legacy = bool(attributes.get("legacy", 0))
    lines = np.moveaxis(given, axis, 0)
    values, places = np.empty_like(lines), np.empty(lines.shape, np.int32)
    for place, line in enumerate(lines):
        if place == 0:
            best, at = line.copy(), np.zeros(line.shape, np.int32)
        else:
            taken = compared(line, best)
            if not legacy:
                taken = taken | (line == best) | (line != line)
            best, at = np.where(taken, line, best), np.where(taken, np.int32(place), at)
        values[place], places[place] = best, at
    return [np.ascontiguousarray(np.moveaxis(found, 0, axis)) for found in (values, places)]
