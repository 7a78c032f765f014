from __future__ import annotations

import logging
import queue
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from farm.protocol.errors import Invalid, Unavailable
from orchestrator.queue import outbox
from orchestrator.queue.outbox import Outbox
from tests.support.waiting import until


class Wire:
    """A broker in memory that a test can cut and hold up."""

    def __init__(self) -> None:
        self.arrived: queue.Queue[tuple[str, str]] = queue.Queue()
        self.asked: queue.Queue[None] = queue.Queue()
        self.fault: Exception | None = None

    def send(self, device: str, build_id: str) -> None:
        if self.fault:
            raise self.fault
        self.arrived.put((device, build_id))

    def check(self) -> None:
        self.asked.put(None)
        if isinstance(self.fault, Unavailable):
            raise self.fault


@pytest.fixture
def wire() -> Wire:
    return Wire()


@contextmanager
def running(wire: Wire) -> Iterator[Outbox]:
    box = Outbox(wire.send, wire.check)
    try:
        yield box
    finally:
        box.close()


def test_what_is_put_arrives_in_order(wire: Wire) -> None:
    with running(wire) as box:
        for number in range(5):
            box.put("xavier", str(number))
        assert [wire.arrived.get(timeout=5)[1] for _ in range(5)] == ["0", "1", "2", "3", "4"]
        until(lambda: box.counts().sent == 5)
        assert box.counts().waiting == 0


def test_a_wakeup_that_still_waits_is_not_doubled(wire: Wire) -> None:
    wire.fault = Unavailable("cut")
    with running(wire) as box:
        box.put("xavier", "1")
        box.put("xavier", "1")
        assert box.counts().waiting == 1


def test_wakeups_wait_for_a_broker_that_is_down_and_then_arrive(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "farm.queue")
    with running(wire) as box:
        until(box.healthy)
        wire.fault = Unavailable("cut")
        box.put("xavier", "1")
        until(lambda: not box.healthy())
        wire.fault = None
        assert wire.arrived.get(timeout=5) == ("xavier", "1")
        until(box.healthy)
    assert [record.levelname for record in caplog.records] == ["INFO", "WARNING", "INFO"], "one line for each change"


def test_what_can_never_be_sent_is_counted_and_does_not_hold_up_the_rest(wire: Wire) -> None:
    with running(wire) as box:
        wire.fault = Invalid("no such name")
        box.put("a:b", "1")
        until(lambda: box.counts().lost == 1)
        wire.fault = None
        box.put("xavier", "2")
        assert wire.arrived.get(timeout=5) == ("xavier", "2")


def test_a_mistake_of_ours_does_not_end_the_thread(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    with running(wire) as box:
        wire.fault = KeyError("a mistake")
        box.put("xavier", "1")
        until(lambda: box.counts().lost == 1)
        wire.fault = None
        box.put("xavier", "2")
        assert wire.arrived.get(timeout=5) == ("xavier", "2")
    assert "a mistake" in caplog.text


def test_the_oldest_makes_room(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "CAPACITY", 3)
    wire.fault = Unavailable("cut")
    with running(wire) as box:
        for number in range(5):
            box.put("xavier", str(number))
        assert box.counts().waiting == 3
        assert box.counts().lost == 2
        wire.fault = None
        assert wire.arrived.get(timeout=5) == ("xavier", "2")


def test_what_is_too_old_is_dropped(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "EXPIRES_S", -1)
    with running(wire) as box:
        box.put("xavier", "1")
        until(lambda: box.counts().lost == 1)
    assert wire.arrived.empty()


def test_what_waits_for_a_device_can_be_dropped(wire: Wire) -> None:
    wire.fault = Unavailable("cut")
    with running(wire) as box:
        box.put("xavier", "1")
        box.put("v100", "1")
        box.drop("xavier")
        wire.fault = None
        assert wire.arrived.get(timeout=5) == ("v100", "1")


def test_a_nudge_brings_the_check_forward(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "CHECK_S", 3600)
    with running(wire) as box:
        wire.asked.get(timeout=5)
        box.nudge()
        wire.asked.get(timeout=5)


def test_a_busy_outbox_still_checks(wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox, "CHECK_S", 0.01)
    with running(wire) as box:
        wire.asked.get(timeout=5)
        for number in range(20_000):
            box.put("xavier", str(number))
            if not wire.asked.empty():
                break
        wire.asked.get(timeout=5)


def test_closing_twice_is_harmless_and_what_comes_later_is_not_sent(wire: Wire) -> None:
    box = Outbox(wire.send, wire.check)
    box.close()
    box.put("xavier", "1")
    box.close()
    assert wire.arrived.empty()
