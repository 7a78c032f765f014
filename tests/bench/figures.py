"""Figures with their targets, and the table that shows them."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """What was measured, and the most or the least that it should be.

    Attributes:
        spread: The lowest and the highest of what the value is taken from.
    """

    name: str
    value: float
    unit: str = ""
    most: float | None = None
    least: float | None = None
    spread: tuple[float, float] | None = None

    @property
    def met(self) -> bool:
        """True where it is as it should be; without a target it is."""
        return (self.most is None or self.value <= self.most) and (self.least is None or self.value >= self.least)


@dataclass(frozen=True)
class Unmeasured:
    """What could not be measured here, and why."""

    name: str
    why: str


Row = Figure | Unmeasured


def median_of(
    name: str, found: Sequence[float], unit: str = "", most: float | None = None, least: float | None = None
) -> Figure:
    """The median as a figure."""
    return Figure(name, statistics.median(found), unit, most, least, (min(found), max(found)))


def percentile(found: Iterable[float], percent: float) -> float:
    """The smallest value that so many percent are not above."""
    ordered = sorted(found)
    return ordered[max(0, -int(-percent * len(ordered) // 100) - 1)]


def table(rows: Sequence[Row]) -> str:
    """One line for each."""
    width = max((len(row.name) for row in rows), default=0)
    return "".join(f"{row.name:<{width}}  {_told(row)}\n" for row in rows)


def _told(row: Row) -> str:
    if isinstance(row, Unmeasured):
        return f"not measured: {row.why}"
    target, verdict = "", ""
    if row.most is not None or row.least is not None:
        target = f"<= {row.most:g}" if row.most is not None else f">= {row.least:g}"
        verdict = "met" if row.met else "MISSED"
    spread = f"  ({row.spread[0]:.3g} to {row.spread[1]:.3g})" if row.spread else ""
    return f"{row.value:>9.3f} {row.unit:<5} {target:<8} {verdict:<7}{spread}".rstrip()
