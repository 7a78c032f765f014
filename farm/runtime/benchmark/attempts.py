"""Measures again while a measurement is too noisy, as often as a policy allows."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping, Protocol, Sequence, Tuple, TypeVar

from farm.protocol.options import BenchmarkPolicy

from .noisy import fault


class Timed(Protocol):
    """What one attempt gave."""

    @property
    def latencies_ms(self) -> Sequence[float]:
        """Of each inference."""


Found = TypeVar("Found", bound=Timed)


def calmest(
    take: Callable[[], Found], policy: BenchmarkPolicy, look: Callable[[], Mapping[str, Any]]
) -> Tuple[Found, Dict[str, Any], str, int]:
    """The first calm attempt, or the last one with what is wrong with it.

    Args:
        take: Makes one attempt.
        policy: Has how many there may be, and when one is too noisy.
        look: Takes evidence; called before and after each attempt.

    Returns: What it gave, its evidence, why it must not become a number (empty where it may), and which attempt it was.
    """
    attempt = 0
    while True:
        attempt += 1
        before = dict(look())
        found = take()
        after = dict(look())
        reason = fault(found.latencies_ms, policy, before, after)
        if not reason or attempt >= policy.attempts:
            return found, {"before": before, "after": after}, reason, attempt
