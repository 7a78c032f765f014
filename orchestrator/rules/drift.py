"""By how much devices differ in what they gave for the same inputs, from the values that were kept of each. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from operator import mul, sub


@dataclass(frozen=True)
class Given:
    """What was kept of one output on one device, evenly spaced over its elements.

    Attributes:
        error: Largest difference from the reference over all elements; None where nobody knows.
        reference: Names the references it was held against; equal names are one set of references.
    """

    shape: tuple[int, ...]
    elements: int
    values: tuple[float, ...]
    error: float | None
    reference: str


@dataclass(frozen=True)
class Drift:
    """By how much the devices differ in one output.

    Attributes:
        worst: Largest difference of any two devices in one kept value; None where nothing compares.
        share: `worst` by the root mean square of what the first device gave.
        at_most: No two devices differ by more in any element, since each was held against one set of references; None
            where it was not.
        own: For each device by how much it differs from whichever device is farthest.
        torn: Kept values that are NaN or infinite on some devices and not alike on all.
        every: All elements were kept, so that `worst` is the worst of all.
        reason: Why nothing compares.
    """

    worst: float | None = None
    share: float | None = None
    at_most: float | None = None
    own: tuple[float, ...] = ()
    torn: int = 0
    compared: int = 0
    every: bool = False
    reason: str = ""


def drift(given: Sequence[Given]) -> Drift:
    """The devices held against each other in one output; at least two."""
    if len(given) < 2:
        return Drift(reason="no other engine ran these inputs")
    if len({item.shape for item in given}) > 1:
        return Drift(reason="its shape is not the same on all devices")
    if len({len(item.values) for item in given}) > 1 or not given[0].values:
        return Drift(reason="not every device kept values of it")
    columns, torn = _alike([item.values for item in given])
    every = len(given[0].values) == given[0].elements
    if not columns[0]:
        return Drift(torn=torn, every=every, reason="no value of it is finite on all devices")
    highest, lowest = list(map(max, *columns)), list(map(min, *columns))
    own = tuple(max(max(map(sub, highest, column)), max(map(sub, column, lowest))) for column in columns)
    rms = math.sqrt(sum(map(mul, columns[0], columns[0])) / len(columns[0]))
    worst = max(own)
    return Drift(
        worst=worst,
        share=worst / rms if rms > 0.0 else None,
        at_most=_bound(given, worst),
        own=own,
        torn=torn,
        compared=len(columns[0]),
        every=every,
    )


def _bound(given: Sequence[Given], worst: float) -> float | None:
    """Two devices are no farther apart than their two errors together."""
    errors = sorted(item.error for item in given if item.error is not None)
    if len(errors) < len(given) or len({item.reference for item in given}) > 1:
        return None
    return max(worst, errors[-1] + errors[-2])


def _alike(columns: list[tuple[float, ...]]) -> tuple[list[tuple[float, ...]], int]:
    """The values that are finite everywhere, and how many of the others are not alike."""
    # What is finite has a finite sum, or a very large one: looking at each value takes twice as long.
    if all(math.isfinite(sum(column)) for column in columns):
        return columns, 0
    finite = [list(map(math.isfinite, column)) for column in columns]
    places = [all(row) for row in zip(*finite, strict=True)]
    others = [row for row, there in zip(zip(*columns, strict=True), places, strict=True) if not there]
    torn = sum(1 for row in others if len(set(map(str, row))) > 1)
    return [tuple(compress(column, places)) for column in columns], torn
