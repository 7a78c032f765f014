"""Whether one engine is slower than another, or the two measurements only differ as any two do. Pure.

Two measurements of one engine never agree: `NEVER_CLOSER` is what two engines of one plan were seen to differ by at
most, rounded up, and half of the two coefficients of variation together is a little more than what windows of one
noisy measurement differed by (docs/benchmark.md has both). The larger of the two is the noise of a comparison.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from farm.protocol.report import BenchmarkReport

NEVER_CLOSER = 0.02


class Change(Enum):
    """What a comparison says."""

    SLOWER = "slower"
    FASTER = "faster"
    WITHIN_NOISE = "within noise"
    INCOMPARABLE = "not comparable"


@dataclass(frozen=True)
class Timed:
    """What of a measurement a comparison needs.

    Attributes:
        protocol: Numbers of unlike protocols never compare.
        shapes: Of the inputs, as text: other shapes are other work.
        cv_percent: Coefficient of variation of the samples up to p95.
    """

    protocol: str
    shapes: str
    median_ms: float
    cv_percent: float


@dataclass(frozen=True)
class Comparison:
    """One measurement held against a baseline.

    Attributes:
        ratio: Median by the baseline's: 2 takes twice as long. None where the two do not compare.
        noise: What the ratio may be away from 1, either way, and mean nothing: 0.02 is 2 %.
        reason: Why they do not compare.
    """

    change: Change
    ratio: float | None = None
    noise: float | None = None
    reason: str = ""


def compare(baseline: Timed | None, other: Timed | None) -> Comparison:
    """The other held against the baseline; None is an engine without a time."""
    if baseline is None or other is None:
        return Comparison(Change.INCOMPARABLE, reason=f"{'the baseline' if baseline is None else 'it'} has no time")
    if baseline.protocol != other.protocol:
        return Comparison(Change.INCOMPARABLE, reason="it was timed by another protocol")
    if baseline.shapes != other.shapes:
        return Comparison(Change.INCOMPARABLE, reason="it was timed with other shapes")
    if baseline.median_ms <= 0.0:
        return Comparison(Change.INCOMPARABLE, reason="the baseline took no time")
    ratio = other.median_ms / baseline.median_ms
    noise = noise_of(baseline.cv_percent, other.cv_percent)
    return Comparison(_change(ratio, noise), ratio, noise)


def noise_of(*cv_percents: float) -> float:
    """By how much a ratio of medians with these coefficients of variation may be away from 1 and mean nothing."""
    return max(NEVER_CLOSER, math.hypot(*cv_percents) / 200.0)


def timed(report: BenchmarkReport | None) -> Timed | None:
    """What of a report compares; None where it has no time."""
    if report is None or report.latency is None:
        return None
    protocol = named_protocol(report.method, report.protocol)
    return Timed(protocol, named_shapes(report.evidence), report.latency.median_ms, report.cv_percent)


def named_protocol(method: str, protocol: str) -> str:
    """Who timed it and how: numbers compare where this is equal."""
    return f"{method} {protocol}"


def named_shapes(evidence: Mapping[str, Any]) -> str:
    """The shapes of the inputs in the evidence of a report: `images 1x3x640x640`."""
    shapes = evidence.get("shapes")
    if not isinstance(shapes, dict):
        return ""
    return ", ".join(f"{name} {'x'.join(map(str, shape))}" for name, shape in sorted(shapes.items()))


def _change(ratio: float, noise: float) -> Change:
    if ratio > 1.0 + noise:
        return Change.SLOWER
    # As far as the same two the other way round.
    return Change.FASTER if ratio < 1.0 / (1.0 + noise) else Change.WITHIN_NOISE
