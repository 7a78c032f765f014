from __future__ import annotations

import threading

import pytest

from worker.lease.halt import Halt, Why
from worker.lease.patience import GaveUp


def test_the_first_reason_stays_and_kills_once() -> None:
    halt, killed = Halt(), []  # type: ignore[var-annotated]
    halt.on_halt(killed.append)
    halt.tell(Why.CANCELLED, "the owner said so")
    halt.tell(Why.LOST, "the lease was lost")
    assert (halt.why, halt.reason, killed) == (Why.CANCELLED, "the owner said so", ["the owner said so"])


def test_a_child_that_starts_after_the_word_is_killed_at_once() -> None:
    halt = Halt()
    killed: list[str] = []
    halt.tell(Why.RELEASED, "the worker stops")
    halt.on_halt(killed.append)
    assert killed == ["the worker stops"]


def test_work_that_may_go_on_is_not_disturbed() -> None:
    halt = Halt()
    halt.check("whatever", 3)
    assert halt.may_go_on()
    halt.tell(Why.LOST, "gone")
    with pytest.raises(GaveUp, match=r"the work has to stop: gone"):
        halt.check()


def test_a_sleep_ends_when_told() -> None:
    halt = Halt()
    teller = threading.Timer(0.05, halt.tell, [Why.CANCELLED, "now"])
    teller.start()
    halt.sleep(60.0)
    teller.join()
    assert not halt.may_go_on()
