from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from farm.protocol.states import Scope
from orchestrator.services import fleet
from tests.orchestrator.api.doors import API, Doors, opened
from tests.support.waiting import until

from .conftest import Visitor


class Stream:
    """What a page hears, read by a thread."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.text = ""
        self.ended = False
        self._thread = threading.Thread(target=self._read, args=(lines,), daemon=True)
        self._thread.start()

    def _read(self, lines: Iterator[str]) -> None:
        try:
            for line in lines:
                self.text += line + "\n"
        except httpx.HTTPError:
            return  # closed here
        finally:
            self.ended = True


@contextmanager
def followed(client: httpx.Client, path: str) -> Iterator[Stream]:
    with client.stream("GET", path) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.status_code == 200
        yield Stream(answer.iter_lines())


def streams(doors: Doors) -> float:
    """How many live parts are open."""
    return float(doors.app.state.traffic.streams.labels("page")._value.get())


def test_a_visitor_who_left_leaves_no_stream(doors: Doors, visitor: Visitor) -> None:
    with visitor(Scope.FETCH).stream("GET", "/builds/live") as answer:
        lines = answer.iter_lines()
        assert next(line for line in lines if line.startswith("data:"))
        assert streams(doors) == 1
    doors.context.signals.changed("events")
    until(lambda: streams(doors) == 0, 60, told="the stream of a visitor who left is open")


def test_a_part_comes_at_once_and_again_when_it_became_another(doors: Doors, visitor: Visitor) -> None:
    doors.farm.enrol("seen")
    with followed(visitor(Scope.FETCH), "/fleet/live?text=seen") as heard:
        until(lambda: 'id="device-seen"' in heard.text, 60)
        assert "draining" not in heard.text
        fleet.drain(doors.context, "seen", True)
        until(lambda: "draining" in heard.text, 60)
    fleet.drain(doors.context, "seen", False)


def test_what_stays_the_same_is_not_told_again(doors: Doors, visitor: Visitor) -> None:
    doors.farm.enrol("calm")
    with followed(visitor(Scope.FETCH), "/fleet/live?text=calm") as heard:
        until(lambda: 'id="device-calm"' in heard.text, 60)
        for _ in range(3):
            doors.context.signals.changed("events")
            time.sleep(0.6)
        assert heard.text.count('id="device-calm"') == 1


def test_a_stream_ends_with_the_token_it_was_opened_with(doors: Doors, visitor: Visitor) -> None:
    browser, token = visitor(Scope.FETCH), None
    with doors.client(Scope.ADMIN) as admin, followed(browser, "/fleet/live") as heard:
        until(lambda: "data:" in heard.text, 60)
        token = browser.get(f"{API}/whoami").json()["id"]
        assert admin.delete(f"{API}/tokens/{token}").status_code == 204
        until(lambda: heard.ended, 60, told="the stream goes on without a token")
        assert "event: signed-out" in heard.text
    assert browser.get("/fleet").headers["location"].startswith("/sign-in")


def test_a_stream_does_not_hold_up_a_coordinator_that_stops(tmp_path: Path) -> None:
    with (
        opened(tmp_path / "data", f"sqlite:///{tmp_path}/farm.db") as doors,
        doors.client(Scope.FETCH) as reader,
        followed(reader, "/fleet/live") as heard,
    ):
        until(lambda: "data:" in heard.text, 60)
        doors.server.stop()
        until(lambda: heard.ended, 60)
