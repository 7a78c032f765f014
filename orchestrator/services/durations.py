"""How long things took since this process began, counted by steps that tell builds of seconds from builds of hours."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

STEPS_S = (0.5, 1.0, 5.0, 15.0, 30.0, 60.0, 180.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0)


@dataclass
class Spread:
    """Durations, counted by step; the last count is of those longer than every step."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(STEPS_S) + 1))
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count one; what is no duration counts as none."""
        seconds = seconds if math.isfinite(seconds) and seconds > 0 else 0.0
        self.counts[bisect_left(STEPS_S, seconds)] += 1
        self.sum_s += seconds

    def copy(self) -> Spread:
        """These counts as they are now."""
        return Spread(list(self.counts), self.sum_s)


def of_stages(stages: Sequence[Mapping[str, Any]], ended_at: float) -> Iterator[tuple[str, float]]:
    """How long each stage of an attempt lasted, in seconds; the last one until the attempt ended."""
    begun = [datetime.fromisoformat(stage["started_at"]).timestamp() for stage in stages]
    for stage, began, end in zip(stages, begun, [*begun[1:], ended_at], strict=False):
        yield stage["state"], end - began
