from __future__ import annotations

import threading
from typing import Callable, ClassVar, Iterator, List, Optional

import pytest

from farm.client.transport import Break, Broken
from farm.protocol.errors import Forbidden
from farm.protocol.states import Role
from farm.protocol.work import Claim, ClaimAsk, Lease
from worker import slot_thread
from worker.coordinator import Coordinator
from worker.lease.halt import Halt, Why
from worker.slot_thread import SlotThread

from .lines import ScriptedLine


class Desk(Coordinator):
    """Hands out claims as the test says."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9", "token")
        self.work: List[str] = []
        self.asked: List[ClaimAsk] = []
        self.errors: List[Exception] = []
        self.asking = threading.Semaphore(0)

    def claim(self, ask: ClaimAsk) -> Optional[Claim]:
        self.asked.append(ask)
        self.asking.release()
        if self.errors:
            raise self.errors.pop()
        return Claim(Lease(self.work.pop(0), 1, 30.0)) if self.work else None

    def hold(self, lease: Lease) -> ScriptedLine:
        return ScriptedLine()


class Work:
    """Takes the place of a run: lasts until the test ends it, or the halt does."""

    started: ClassVar[List[str]] = []
    ended: ClassVar[List[Optional[Why]]] = []
    gate = threading.Event()

    def __init__(self, shop: object, claim: Claim, line: object, entered: object) -> None:
        self.halt = Halt()
        self.name = claim.lease.attempt

    def work(self) -> None:
        self.started.append(self.name)
        while not self.gate.is_set() and self.halt.may_go_on():
            self.halt.sleep(0.01)
        self.ended.append(self.halt.why)


class Shop:
    """As much of a shop as a slot asks for: patience without pauses."""

    class patience:  # noqa: N801
        @staticmethod
        def call(ask: Callable[[], object], what: str, wanted: Callable[[], bool]) -> object:
            while True:
                try:
                    return ask()
                except Broken:
                    assert wanted()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(slot_thread, "Run", Work)
    Work.started, Work.ended, Work.gate = [], [], threading.Event()
    return Desk()


@pytest.fixture
def refused() -> threading.Event:
    return threading.Event()


@pytest.fixture
def slot(desk: Desk, refused: threading.Event) -> Iterator[SlotThread]:
    made = SlotThread("cpu0", (Role.DEVICE,), desk, Shop(), lambda: True, 3600.0, refused.set)  # type: ignore[arg-type]
    yield made
    made.release("the test is over")
    made.join(10)
    assert not made.is_alive()


def test_it_looks_at_its_start_and_works_until_nothing_is_left(desk: Desk, slot: SlotThread) -> None:
    desk.work = ["att-1", "att-2"]
    Work.gate.set()
    slot.start()
    slot.wait_served(1)
    assert Work.started == ["att-1", "att-2"]
    assert [ask.hint for ask in desk.asked] == [None, None, None]
    assert len({ask.nonce for ask in desk.asked}) == 3


def test_a_wakeup_is_looked_at_first_and_served_to_its_end(desk: Desk, slot: SlotThread) -> None:
    Work.gate.set()
    slot.start()
    slot.wait_served(1)
    desk.work = ["att-1"]
    ticket = slot.wake("bld-1")
    assert ticket is not None
    slot.wait_served(ticket)
    assert Work.started == ["att-1"]
    assert [ask.hint for ask in desk.asked[1:]] == ["bld-1", None]


def test_a_busy_slot_looks_again_by_itself(desk: Desk, slot: SlotThread) -> None:
    """A wake-up that comes between the last claim and the end of the round must not be forgotten."""
    desk.work = ["att-1"]
    slot.start()
    assert desk.asking.acquire(timeout=10)
    while not Work.started:
        pass
    assert slot.wake("bld-2") is None
    Work.gate.set()
    slot.wait_served(2)
    assert desk.asked[-1].hint == "bld-2"


def test_a_lost_answer_is_asked_for_with_the_same_nonce(desk: Desk, slot: SlotThread) -> None:
    desk.errors = [Broken("cut", "", Break.CUT)]
    slot.start()
    slot.wait_served(1)
    assert len(desk.asked) == 2
    assert desk.asked[0] == desk.asked[1]


def test_a_device_that_is_not_known_any_more_says_so(desk: Desk, slot: SlotThread, refused: threading.Event) -> None:
    desk.errors = [Forbidden("no enrolled device")]
    slot.start()
    assert refused.wait(10)


def test_a_mistake_of_ours_does_not_end_the_slot(
    desk: Desk, slot: SlotThread, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(slot_thread, "_REFUSED_S", 0.0)
    desk.errors = [RuntimeError("nobody thought of this")]
    desk.work = ["att-1"]
    Work.gate.set()
    slot.start()
    slot.wait_served(1)
    ticket = slot.wake("bld-1")
    assert ticket is not None
    slot.wait_served(ticket)
    assert Work.started == ["att-1"]
    assert "nobody thought of this" in caplog.text


def test_a_drain_lets_work_end_and_claims_no_more(desk: Desk, slot: SlotThread) -> None:
    desk.work = ["att-1", "att-2"]
    slot.start()
    while not Work.started:
        pass
    slot.drain()
    assert not slot.wait_free(0.05)
    Work.gate.set()
    assert slot.wait_free(10)
    slot.join(10)
    assert (Work.started, Work.ended) == (["att-1"], [None])


def test_a_release_ends_what_runs(desk: Desk, slot: SlotThread) -> None:
    desk.work = ["att-1"]
    slot.start()
    while not Work.started:
        pass
    slot.release("stopped")
    slot.join(10)
    assert Work.ended == [Why.RELEASED]


def test_without_wakeups_a_claim_is_held_open(desk: Desk, refused: threading.Event) -> None:
    made = SlotThread("cpu0", (Role.DEVICE,), desk, Shop(), lambda: False, 3600.0, refused.set)  # type: ignore[arg-type]
    made.start()
    for _ in range(3):
        assert desk.asking.acquire(timeout=10)
    made.drain()
    made.join(10)
    assert all(ask.wait_s > 0 for ask in desk.asked)
