"""The geometry of charts: places in a picture of fixed width, which a browser scales. The templates draw them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720.0, 220.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 12.0, 12.0, 28.0
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True)
class Tick:
    """A line of a scale: where it is in the picture, and what it says."""

    at: float
    label: str


@dataclass(frozen=True)
class Scale:
    """Values onto a length of the picture; `start` may lie behind `end`, as on a vertical axis."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        """Where a value lies, to a tenth of a unit."""
        span = self.high - self.low
        share = (value - self.low) / span if span else 0.5
        return round(self.start + share * (self.end - self.start), 1)

    def ticks(self, count: int) -> tuple[Tick, ...]:
        """About so many round values."""
        step = _step((self.high - self.low) / max(1, count))
        digits = max(0, -math.floor(math.log10(step) + 1e-9) + (1 if f"{step:e}".startswith("2.5") else 0))
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return tuple(Tick(self.at(number * step), f"{number * step:.{digits}f}") for number in range(first, last + 1))


@dataclass(frozen=True)
class Bar:
    """A column: its corner and its size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Columns:
    """Columns that stand on the bottom of the picture, with the scales below and beside them."""

    bars: tuple[Bar, ...]
    below: tuple[Tick, ...]
    beside: tuple[Tick, ...]
    horizontal: Scale


def horizontal(low: float, high: float) -> Scale:
    """Values from the left edge of the picture to its right edge."""
    return Scale(low, high, LEFT, WIDTH - RIGHT)


def vertical(low: float, high: float) -> Scale:
    """Values from the bottom of the picture to its top."""
    return Scale(low, high, HEIGHT - BOTTOM, TOP)


def columns(counts: Sequence[int], first: float, width: float) -> Columns:
    """Counts as columns of one width; the first begins at `first`. One of no width is drawn in the middle."""
    low, high = (first, first + width * len(counts)) if width else (first * 0.99, first * 1.01 or 1.0)
    across, up = horizontal(low, high), vertical(0.0, max(1, *counts))
    bottom = up.at(0.0)
    bars = []
    for place, count in enumerate(counts):
        left = across.at(first + place * width) if width else across.at(first) - 4.0
        right = across.at(first + (place + 1) * width) if width else left + 8.0
        top = up.at(count)
        bars.append(Bar(left, top, round(max(0.5, right - left - 1.0), 1), round(bottom - top, 1)))
    return Columns(tuple(bars), across.ticks(7), up.ticks(3), across)


def room(values: Sequence[float]) -> tuple[float, float]:
    """The lowest and the highest of a scale that shows these values from zero on, if they do not lie close together."""
    low, high = min(values), max(values)
    if low > 0.6 * high:
        margin = (high - low) * 0.25 or high * 0.05 or 1.0
        return max(0.0, low - margin), high + margin
    return 0.0, high * 1.08


def path(points: Sequence[tuple[float, float]]) -> str:
    """A line through points, as the `d` of a path."""
    return " ".join(f"{'L' if place else 'M'}{x:g} {y:g}" for place, (x, y) in enumerate(points))


def _step(least: float) -> float:
    """The least round step that is no less."""
    if least <= 0.0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(step * power for step in _STEPS if step * power >= least * 0.999)
