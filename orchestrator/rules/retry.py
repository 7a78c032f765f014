"""What becomes of work whose attempt ended without a result."""

from __future__ import annotations

from enum import Enum

from farm.protocol.report import FailureKind

# Nobody's fault that a second try would repeat.
_PASSING = frozenset((FailureKind.TRANSFER, FailureKind.LOST))


class Next(Enum):
    """Where the work goes."""

    QUEUE = "queue"
    FAIL = "fail"


def after_failure(kind: FailureKind, attempts: int, cap: int) -> Next:
    """A failure that says something about the model fails the build; others are tried up to the cap."""
    return Next.QUEUE if kind in _PASSING and attempts < cap else Next.FAIL


def after_expiry(attempts: int, cap: int) -> Next:
    """A worker fell silent: again, unless it happens each time; then the work itself is the likeliest cause."""
    return Next.QUEUE if attempts < cap else Next.FAIL


def rests(lost_in_a_row: int, limit: int) -> bool:
    """True when a device lost so many leases in a row that it should get none for a while."""
    return lost_in_a_row >= limit
