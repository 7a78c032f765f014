"""Samples in bins of one width, for a picture. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# As the spread is counted: above it stand the samples in which the machine did something else.
_SHOWN = 0.95


@dataclass(frozen=True)
class Histogram:
    """How many samples lie in each bin.

    Attributes:
        counts: Of bins of one width, from `first` on.
        above: Samples behind the last bin: a pause of the machine would make every bin but one empty.
    """

    first: float
    width: float
    counts: tuple[int, ...]
    above: int

    @property
    def total(self) -> int:
        """How many samples there are."""
        return sum(self.counts) + self.above

    @property
    def last(self) -> float:
        """Where the last bin ends."""
        return self.first + self.width * len(self.counts)


def histogram(samples: Sequence[float], bins: int) -> Histogram | None:
    """The samples up to their 95th percentile in bins, and how many lie above; None where there are none."""
    if not samples or bins < 1:
        return None
    ordered = sorted(samples)
    first, shown = ordered[0], ordered[max(0, -int(-_SHOWN * len(ordered) // 1) - 1)]
    if shown <= first:
        # Nearly all are equal: one bin around them.
        equal = sum(1 for sample in ordered if sample <= shown)
        return Histogram(first, 0.0, (equal,), len(ordered) - equal)
    width = (shown - first) / bins
    counts = [0] * bins
    above = 0
    for sample in ordered:
        if sample > shown:
            above += 1
        else:
            counts[min(bins - 1, int((sample - first) / width))] += 1
    return Histogram(first, width, tuple(counts), above)
