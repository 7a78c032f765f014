"""What is tried again, and when a device rests."""

from __future__ import annotations

import pytest

from farm.protocol.report import FailureKind
from orchestrator.rules.retry import Next, after_expiry, after_failure, rests


@pytest.mark.parametrize("kind", list(FailureKind))
def test_only_what_is_nobodys_fault_is_tried_again(kind: FailureKind) -> None:
    passing = kind in (FailureKind.TRANSFER, FailureKind.LOST)
    assert after_failure(kind, 1, 5) is (Next.QUEUE if passing else Next.FAIL)
    assert after_failure(kind, 5, 5) is Next.FAIL


def test_the_cap_and_the_rest() -> None:
    assert [after_expiry(tries, 5) for tries in (1, 4, 5)] == [Next.QUEUE, Next.QUEUE, Next.FAIL]
    assert [rests(lost, 3) for lost in (0, 2, 3)] == [False, False, True]
