"""Which element of an output is held against which of its reference: the comparators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Iterator, List, Tuple

import numpy as np

from farm.protocol.options import Comparator

from .tolerance import Tolerance

Array = Any
Pair = Tuple[Array, Array]

# Elements taken at once: a few tens of megabytes of float64 intermediates, whatever the size of the outputs.
CHUNK = 1 << 18


@dataclass(frozen=True)
class Aligned:
    """Two arrays brought into one order.

    Attributes:
        shape: Of what is compared; positions in it are what `worst_index` counts.
        pairs: Makes a fresh iterator over flat chunks (output, reference), in order.
        unmatched: Rows without an equal row on the other side; 0 for all but `boxes`.
        missing: Rows that one side has more than the other; 0 for all but `boxes`.
        rows: Rows of the longer side; 0 for all but `boxes`.
    """

    shape: Tuple[int, ...]
    pairs: Callable[[], Iterator[Pair]]
    unmatched: int = 0
    missing: int = 0
    rows: int = 0

    @property
    def elements(self) -> int:
        """How many pairs of elements there are."""
        return int(np.prod(self.shape, dtype=np.int64))


def align(comparator: Comparator, output: Array, reference: Array, tolerance: Tolerance) -> Aligned:
    """The two arrays in the order the comparator asks for.

    Args:
        comparator: `boxes` accepts different numbers of rows, the others need equal shapes.
        output: What the engine gave.
        reference: What it should be.
        tolerance: Makes the columns of `boxes` commensurable: their distance counts in tolerances.
    """
    if comparator is Comparator.BOXES and reference.ndim >= 1:
        return _boxes(output, reference, tolerance)
    if comparator is Comparator.SORTED and reference.ndim >= 1:
        return Aligned(reference.shape, lambda: _sorted(output, reference))
    return Aligned(reference.shape, lambda: _ordered(output, reference))


def _ordered(output: Array, reference: Array) -> Iterator[Pair]:
    flat_output, flat_reference = output.reshape(-1), reference.reshape(-1)
    for start in range(0, flat_reference.size, CHUNK):
        yield flat_output[start : start + CHUNK], flat_reference[start : start + CHUNK]


def _sorted(output: Array, reference: Array) -> Iterator[Pair]:
    width = max(reference.shape[-1], 1)
    rows_output, rows_reference = output.reshape(-1, width), reference.reshape(-1, width)
    rows = max(CHUNK // width, 1)
    for start in range(0, rows_reference.shape[0], rows):
        part_output, part_reference = rows_output[start : start + rows], rows_reference[start : start + rows]
        yield np.sort(part_output, axis=-1).reshape(-1), np.sort(part_reference, axis=-1).reshape(-1)


def _boxes(output: Array, reference: Array, tolerance: Tolerance) -> Aligned:
    """Rows are vectors along the last axis; leading axes are batches, each matched on its own."""
    width = reference.shape[-1] if reference.ndim > 1 else 1
    per_batch_output = _batches(output, width)
    per_batch_reference = _batches(reference, width)
    taken: List[Pair] = []
    unmatched = missing = rows = 0
    for rows_output, rows_reference in zip(per_batch_output, per_batch_reference):
        partners, unequal = match_rows(rows_output, rows_reference, tolerance)
        kept = [row for row, partner in enumerate(partners) if partner >= 0]
        taken.append((rows_output[[partners[row] for row in kept]], rows_reference[kept]))
        unmatched += unequal
        missing += abs(len(rows_output) - len(rows_reference))
        rows += max(len(rows_output), len(rows_reference))
    matched_output = np.concatenate([pair[0] for pair in taken]) if taken else output.reshape(-1, width)
    matched_reference = np.concatenate([pair[1] for pair in taken]) if taken else reference.reshape(-1, width)
    shape = matched_reference.shape
    return Aligned(shape, lambda: _ordered(matched_output, matched_reference), unmatched, missing, rows)


def _batches(array: Array, width: int) -> List[Array]:
    if array.ndim <= 2:
        return [array.reshape(-1, width)]
    return list(array.reshape(-1, array.shape[-2], width))


def match_rows(output: Array, reference: Array, tolerance: Tolerance) -> Tuple[List[int], int]:
    """For each row of the reference the row of the output that belongs to it, or -1; and how many found no equal.

    The distance of two rows is their largest difference, counted in tolerances: up to 1 they are equal. Rows equal at
    the same place belong together. Then each other reference row, first to last, takes the nearest equal output row
    that is still free, the lower index winning a tie. What is left is paired by nearness, so that a report can tell by
    how much it is off. The same arrays always match in the same way, in memory for one row of distances.
    """
    rows = np.asarray(output, dtype=np.float64)
    free = np.ones(len(rows), dtype=bool)
    partners = [-1] * len(reference)
    common = min(len(rows), len(reference))
    for place in np.flatnonzero(_distances(rows[:common], reference[:common], tolerance) <= 1.0):
        partners[int(place)], free[place] = int(place), False
    for limit in (1.0, np.inf):
        for row, partner in enumerate(partners):
            if partner < 0 and free.any():
                distances = np.where(free, _distances(rows, reference[row], tolerance), np.inf)
                best = int(np.argmin(distances)) if np.isfinite(distances).any() else int(np.argmax(free))
                if distances[best] <= limit:
                    partners[row], free[best] = best, False
        if limit == 1.0:
            unequal = max(partners.count(-1), int(free.sum()))
    return partners, unequal


def _distances(rows: Array, aims: Array, tolerance: Tolerance) -> Array:
    """For each row its largest difference from `aims` (one row for all, or one for each), in tolerances."""
    wanted = np.asarray(aims, dtype=np.float64)
    allowed = np.maximum(np.maximum(tolerance.atol, tolerance.rtol * np.abs(wanted)), np.finfo(np.float64).tiny)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.nan_to_num(np.abs(rows - wanted) / allowed, nan=np.inf).max(axis=-1, initial=0.0)
