"""The exact median of more numbers than fit in memory."""

from __future__ import annotations

from typing import Any, Callable, Iterator, Optional, Tuple

import numpy as np

Array = Any
Chunks = Callable[[], Iterator[Array]]

# Numbers that are gathered and partitioned at once: 64 MiB of float64.
GATHERED = 1 << 23
_DIGIT_BITS = 16
_ALL_BITS = (1 << 64) - 1


def median(chunks: Chunks, count: int, gathered: int = GATHERED) -> float:
    """The median of `count` finite numbers from 0 up; the mean of the middle two for an even count.

    Args:
        chunks: Makes a fresh iterator over arrays of float64; called once for each pass.
        count: How many numbers all chunks hold; at least 1.
        gathered: The most numbers to hold at once.
    """
    low, high = _select(chunks, (count - 1) // 2, count, gathered)
    if count % 2:
        return low
    if high is None:
        high, _ = _select(chunks, count // 2, count, gathered)
    return low / 2.0 + high / 2.0


def _select(chunks: Chunks, rank: int, count: int, gathered: int) -> Tuple[float, Optional[float]]:
    """The number at `rank` in ascending order, and the next one where that costs no further pass.

    The bits of non-negative floats, read as whole numbers, have the order of the floats. So each pass counts the next
    16 bits of those that share the prefix found so far, until few enough are left to look at, or one number many times.
    """
    prefix, shift = 0, 64
    while count > gathered and shift:
        shift -= _DIGIT_BITS
        histogram = np.zeros(1 << _DIGIT_BITS, dtype=np.int64)
        least, greatest = np.uint64(_ALL_BITS), np.uint64(0)
        for bits in _sharing(chunks, prefix, shift + _DIGIT_BITS):
            least, greatest = min(least, bits.min(initial=least)), max(greatest, bits.max(initial=greatest))
            digits = (bits >> np.uint64(shift)) & np.uint64((1 << _DIGIT_BITS) - 1)
            histogram += np.bincount(digits.view(np.int64), minlength=histogram.size)
        if least == greatest:
            prefix, shift = int(least), 0
            break
        passed = np.cumsum(histogram)
        digit = int(np.searchsorted(passed, rank, side="right"))
        rank -= int(passed[digit] - histogram[digit])
        count = int(histogram[digit])
        prefix = (prefix << _DIGIT_BITS) | digit
    if not shift:
        number = float(np.array([prefix], dtype=np.uint64).view(np.float64)[0])
        return number, number if rank + 1 < count else None
    left = np.empty(count, dtype=np.uint64)
    filled = 0
    for bits in _sharing(chunks, prefix, shift):
        left[filled : filled + bits.size] = bits
        filled += bits.size
    following = [rank + 1] if rank + 1 < count else []
    left.partition([rank, *following])
    numbers = left.view(np.float64)
    return float(numbers[rank]), float(numbers[rank + 1]) if following else None


def _sharing(chunks: Chunks, prefix: int, shift: int) -> Iterator[Array]:
    """The bit patterns whose bits from `shift` up are `prefix`."""
    for chunk in chunks():
        # Adding zero turns -0.0 into 0.0, whose bits are the smallest.
        bits = (np.ascontiguousarray(chunk, dtype=np.float64) + 0.0).view(np.uint64)
        yield bits if shift == 64 else bits[(bits >> np.uint64(shift)) == np.uint64(prefix)]
