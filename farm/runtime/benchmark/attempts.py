"""Measures again while a measurement is too noisy, as often as a policy allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Dict, Mapping

from farm.protocol.options import BenchmarkPolicy

from .noisy import fault
from .protocol import Samples


@dataclass(frozen=True)
class Attempt:
    """One attempt to measure.

    Attributes:
        samples: What it gave.
        evidence: How the machine was `before` and `after`.
        reason: Why it must not become a number; empty where it may.
        number: Which attempt it was, from 1.
    """

    samples: Samples
    evidence: Dict[str, Any]
    reason: str
    number: int


def calmest(take: Callable[[], Samples], policy: BenchmarkPolicy, look: Callable[[], Mapping[str, Any]]) -> Attempt:
    """The first calm attempt, or the last one with what is wrong with it.

    Args:
        take: Makes one attempt.
        policy: Has how many there may be, and when one is too noisy.
        look: Takes evidence; called before and after each attempt.
    """
    number = 0
    while True:
        number += 1
        before = dict(look())
        samples = take()
        after = dict(look())
        reason = fault(samples.latencies_ms, policy, before, after)
        if not reason or number >= policy.attempts:
            return Attempt(samples, {"before": before, "after": after}, reason, number)
