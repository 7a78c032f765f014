"""Percentiles, spread and throughput of samples. Pure."""

from __future__ import annotations

import math
from typing import Sequence

from farm.protocol.report import Percentiles

# Above p95 stand the samples in which the operating system ran something else. docs/benchmark.md has the measurement.
_LEFT_OUT_PERCENT = 5


def percentile(ascending: Sequence[float], percent: int) -> float:
    """The sample at `ceil(p · n) - 1`, which is trtexec's rule: leave out `(1 - p) · n` samples, rounded down.

    Counted in whole numbers, since the rule in floats leaves out one sample less for some n.
    """
    left_out = (100 - percent) * len(ascending) // 100
    return ascending[max(len(ascending) - 1 - left_out, 0)]


def percentiles(samples: Sequence[float]) -> Percentiles:
    """The latencies of at least one sample, in the unit of the samples (milliseconds); the median is p50."""
    ascending = sorted(samples)
    return Percentiles(
        minimum_ms=ascending[0],
        mean_ms=math.fsum(ascending) / len(ascending),
        median_ms=percentile(ascending, 50),
        p90_ms=percentile(ascending, 90),
        p95_ms=percentile(ascending, 95),
        p99_ms=percentile(ascending, 99),
        maximum_ms=ascending[-1],
    )


def cv_percent(samples: Sequence[float]) -> float:
    """Standard deviation of all samples in percent of their mean, as trtexec reports it."""
    mean = math.fsum(samples) / len(samples)
    variance = math.fsum((sample - mean) ** 2 for sample in samples) / len(samples)
    return 100.0 * math.sqrt(variance) / mean if mean > 0 else 0.0


def robust_cv_percent(samples: Sequence[float]) -> float:
    """The same without the slowest 5 % (rounded down): a pause of the machine says nothing about the engine."""
    ascending = sorted(samples)
    return cv_percent(ascending[: len(ascending) - _LEFT_OUT_PERCENT * len(ascending) // 100])
