"""The first of many beginnings that fails: each that is longer fails too."""

from __future__ import annotations

from collections.abc import Callable, Sequence


def first_failing(places: Sequence[int], fails: Callable[[int], bool]) -> tuple[int, int]:
    """The longest beginning that does not fail, and the shortest that does; 0 is the empty one.

    Args:
        places: Lengths in order; the last one is known to fail.
        fails: Asked about few of them, each once.
    """
    low, high = -1, len(places) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if fails(places[middle]):
            high = middle
        else:
            low = middle
    return (places[low] if low >= 0 else 0), places[high]
