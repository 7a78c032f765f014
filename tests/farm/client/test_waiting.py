"""Waiting and events: through broken streams and restarts."""

from __future__ import annotations

import itertools
import threading
import time
from pathlib import Path
from typing import List

import pytest

from farm import FarmClient
from farm.client.events import parse
from farm.protocol.errors import (
    BuildFailed,
    CoordinatorError,
    NumericsFailed,
    TargetUnavailable,
    TimedOut,
)
from farm.protocol.states import State
from farm.protocol.views import SubmissionView
from tests.support.waiting import until

from ..double import Double


@pytest.mark.parametrize(
    ("target", "error"), [("broken", BuildFailed), ("wrong", NumericsFailed), ("offline", TargetUnavailable)]
)
def test_waiting_raises_what_became_of_the_worst_target(
    client: FarmClient, model: Path, target: str, error: type
) -> None:
    with pytest.raises(error, match=target):
        client.submit(model, ["cpu", target], wait=True)


def test_waiting_without_check_returns_whatever_became(client: FarmClient, model: Path) -> None:
    view = client.submit(model, ["cpu", "broken"])
    assert client.wait(view.id, check=False).state is State.FAILED


def test_every_change_is_told_once_and_in_order(client: FarmClient, double: Double, model: Path) -> None:
    double.auto = False
    told: List[str] = []
    view = client.submit(model, ["cpu"])

    def work() -> None:
        for index, state in enumerate((State.BUILDING, State.VERIFYING, State.DONE), start=1):
            until(lambda index=index: len(told) == index)  # type: ignore[misc]
            double.move(view.id, "cpu", state)

    thread = threading.Thread(target=work)
    thread.start()
    client.wait(view.id, lambda moved: told.append(str(moved.state)))
    thread.join()
    assert told == ["queued", "building", "verifying", "done"]


def test_who_tells_nobody_looks_only_when_it_may_be_over(client: FarmClient, double: Double, model: Path) -> None:
    double.auto = False
    view = client.submit(model, ["cpu", "other"])
    looks = f"GET /submissions/{view.id}"

    def work() -> None:
        until(lambda: double.asked.count(looks) == 2)  # at the beginning, and once the stream is open
        for state in (State.LEASED, State.BUILDING, State.VERIFYING, State.DONE):
            double.move(view.id, "cpu", state)
        double.move(view.id, "other", State.DONE)

    thread = threading.Thread(target=work)
    thread.start()
    assert client.wait(view.id).state is State.DONE
    thread.join()
    assert double.asked.count(looks) <= 4


def test_waiting_survives_broken_streams(client: FarmClient, double: Double, model: Path) -> None:
    double.auto, double.break_after = False, [1, 1]
    client._transport.sleep = lambda seconds: None
    seen: List[SubmissionView] = []
    view = client.submit(model, ["cpu"])
    waiting = threading.Thread(target=lambda: seen.append(client.wait(view.id)))
    waiting.start()
    for opened, state in enumerate((State.BUILDING, State.VERIFYING, State.DONE), start=1):
        until(lambda opened=opened: double.asked.count("GET /events") >= opened)  # type: ignore[misc]
        double.move(view.id, "cpu", state)
    waiting.join(10)
    assert seen[0].state is State.DONE
    assert double.asked.count("GET /events") == 3


def test_waiting_gives_up_and_says_how_to_go_on(client: FarmClient, double: Double, model: Path) -> None:
    double.auto = False
    view = client.submit(model, ["cpu"])
    begin = time.monotonic()
    with pytest.raises(TimedOut, match=f"farm status {view.id}"):
        client.wait(view.id, timeout_s=0.2)
    assert time.monotonic() - begin < 4


def test_events_resume_after_the_last_one_seen(client: FarmClient, double: Double, model: Path) -> None:
    double.auto, double.break_after = False, [2]
    client._transport.sleep = lambda seconds: None
    view = client.submit(model, ["cpu"])
    for state in (State.LEASED, State.BUILDING, State.VERIFYING, State.DONE):
        double.move(view.id, "cpu", state)
    found = list(itertools.islice(client.events(after=0), 4))
    assert [event.id for event in found] == [1, 2, 3, 4]
    assert [event.data["state"] for event in found] == ["leased", "building", "verifying", "done"]


def test_the_stream_of_events_is_read_as_the_standard_says() -> None:
    lines = [": keep alive", "id: 7", "event: x", 'data: {"id": 7, "at": "t",', 'data:"kind": "x"}', "", "id: 8", ""]
    (event,) = parse(lines)
    assert (event.id, event.kind) == (7, "x")
    with pytest.raises(CoordinatorError, match="same version"):
        list(parse(['data: {"what": 1}', ""]))
    with pytest.raises(CoordinatorError, match=r"the coordinator is farm 99\.1: install 99\.1 at the client"):
        list(parse(['data: {"what": 1}', ""], "99.1"))


def test_an_event_cut_in_the_middle_is_not_told() -> None:
    assert list(parse(['data: {"id": 7, "at": "t", "kind": "x"}'])) == []
