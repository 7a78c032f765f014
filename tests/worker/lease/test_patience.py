from __future__ import annotations

import threading
from functools import partial

import pytest

from farm.client.transport import Break, Broken
from farm.protocol.errors import Forbidden, Unavailable
from worker.lease.patience import GaveUp, Patience


class Clockless(threading.Event):
    """Waits no time, and remembers how long it should have."""

    def __init__(self) -> None:
        super().__init__()
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.waited.append(timeout or 0.0)
        return self.is_set()


def broken() -> Broken:
    return Broken("cannot reach the coordinator", "Start it.", Break.REFUSED)


def test_a_call_is_repeated_until_the_coordinator_answers() -> None:
    stop, answers = Clockless(), iter([broken(), Unavailable("the database is away"), "engine"])

    def ask() -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    assert Patience(stop).call(ask, "publishing") == "engine"
    assert len(stop.waited) == 2


def test_pauses_grow_to_a_limit_and_differ_between_workers() -> None:
    tries = iter(range(12))

    def ask() -> None:
        if next(tries) < 11:
            raise broken()

    for jitter, longest in ((1.0, 5.0), (0.0, 2.5)):
        stop, tries = Clockless(), iter(range(12))
        Patience(stop, partial(float, jitter)).call(ask, "publishing")
        assert stop.waited == sorted(stop.waited)
        assert stop.waited[0] == pytest.approx(0.05 * (1 + jitter))
        assert stop.waited[-1] == pytest.approx(longest)


def test_what_the_coordinator_says_is_not_repeated() -> None:
    def ask() -> None:
        calls.append(1)
        raise Forbidden("another device's lease")

    calls: list[int] = []
    with pytest.raises(Forbidden):
        Patience(Clockless()).call(ask, "publishing")
    assert calls == [1]


@pytest.mark.parametrize("stopped", [True, False])
def test_a_stop_or_a_lost_wish_ends_the_waiting(stopped: bool) -> None:
    stop = Clockless()
    if stopped:
        stop.set()

    def ask() -> None:
        raise broken()

    with pytest.raises(GaveUp, match=r"publishing was given up: cannot reach the coordinator"):
        Patience(stop).call(ask, "publishing", lambda: stopped)
    assert len(stop.waited) == 1
