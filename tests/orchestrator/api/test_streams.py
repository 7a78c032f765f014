from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from farm.client.events import parse
from farm.protocol.states import Scope
from farm.protocol.views import Event
from orchestrator.services import housekeeping, logs
from orchestrator.services.log_port import HEAD_SEGMENTS, SEGMENT_BYTES, TAIL_SEGMENTS
from tests.support.waiting import until

from .doors import API, Doors, opened
from .worker import Worker, submitted


def taken(client: httpx.Client, count: int, **options: object) -> list[Event]:
    """The first events of a stream."""
    with client.stream("GET", f"{API}/events", **options) as stream:  # type: ignore[arg-type]  # of httpx
        assert stream.headers["content-type"].startswith("text/event-stream")
        return list(itertools.islice(parse(stream.iter_lines()), count))


def test_events_are_resumed_behind_the_last_one_seen(doors: Doors) -> None:
    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER) as device:
        worker = Worker(device, doors)
        submission = submitted(user)
        worker.build()
        mine = {"submission": submission["id"], "after": 0}
        first = taken(user, 2, params=mine)
        again = taken(user, 2, params=mine)
        assert again == first
        following = taken(user, 1, params=mine, headers={"Last-Event-ID": str(first[0].id)})
        assert following == first[1:]
        assert all(event.submission == submission["id"] or event.build for event in first)


def test_a_stream_begins_now_and_tells_what_happens_next(doors: Doors) -> None:
    doors.farm.enrol()
    with doors.client(Scope.SUBMIT) as user:
        submitted(user)
        told: list[Event] = []
        watching = threading.Thread(target=lambda: told.extend(taken(user, 2)))
        watching.start()
        topic = doors.context.signals
        until(lambda: topic._watches.get("events"), told="nobody watches")
        with doors.client(Scope.SUBMIT) as other:
            second = submitted(other, name="later")
        watching.join(10)
    assert {event.kind for event in told} == {"model", "submission"}
    assert second["id"] in {event.submission for event in told}


def test_the_events_of_another_submission_are_not_among_them(doors: Doors) -> None:
    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER) as device:
        Worker(device, doors)
        one, two = submitted(user), submitted(user, name="other", options={"precision": "fp16"})
        assert one["builds"][0]["build"] != two["builds"][0]["build"]
        events = taken(user, 2, params={"submission": two["id"], "after": 0})
        assert {event.submission or event.build for event in events} == {two["id"], two["builds"][0]["build"]}


def test_a_stream_outlives_a_restart_of_the_coordinator(tmp_path: Path, tables_url: str) -> None:
    with opened(tmp_path / "data", tables_url) as doors, doors.client(Scope.SUBMIT) as user:
        doors.farm.enrol()
        submission = submitted(user)
        seen = taken(user, 1, params={"submission": submission["id"], "after": 0})
    with opened(tmp_path / "data", tables_url) as doors, doors.client(Scope.SUBMIT) as user:
        user.post(f"{API}/submissions/{submission['id']}/cancel", json={})
        (following,) = taken(
            user, 1, params={"submission": submission["id"]}, headers={"Last-Event-ID": str(seen[0].id)}
        )
    assert following.id > seen[0].id


@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 30, "²"])
def test_a_wrong_last_event_id_is_refused(small_doors: Doors, last: str) -> None:
    with small_doors.client(Scope.SUBMIT) as user:
        answer = user.get(f"{API}/events", headers={b"Last-Event-ID": last.encode()})
        assert answer.status_code == 422


def test_the_server_stops_within_seconds_while_streams_are_open(tmp_path: Path) -> None:
    with (
        opened(tmp_path / "data", f"sqlite:///{tmp_path}/farm.db") as doors,
        doors.client(Scope.SUBMIT) as user,
        user.stream("GET", f"{API}/events") as stream,
    ):
        assert next(stream.iter_lines()) == "retry: 500"
        begun = time.monotonic()
        doors.server.stop()
        assert time.monotonic() - begun < 5.0


class Writer:
    """Appends to the log of a lease over HTTP."""

    def __init__(self, doors: Doors, user: httpx.Client, device: httpx.Client) -> None:
        self.worker = Worker(device, doors)
        submitted(user)
        self.claim, self.result = self.worker.build()
        assert self.claim.build
        self.build = self.claim.build.build
        self.where = f"{API}/leases/{self.claim.lease.attempt}/log"

    def append(self, offset: int, data: bytes) -> httpx.Response:
        at = {"token": self.claim.lease.token, "offset": offset}
        return self.worker.client.post(self.where, params=at, content=data)


@pytest.fixture
def writing(doors: Doors) -> Iterator[tuple[Doors, httpx.Client, Writer]]:
    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER) as device:
        yield doors, user, Writer(doors, user, device)


Writing = tuple[Doors, httpx.Client, Writer]


def test_a_log_is_appended_once_however_often_it_is_sent(writing: Writing) -> None:
    _, user, writer = writing
    where = f"{API}/builds/{writer.build}/log"
    assert user.get(where).text == ""
    assert writer.append(0, b"one\n").json() == {"offset": 4}
    assert writer.append(0, b"one\n").json() == {"offset": 4}
    assert writer.append(0, b"one\ntwo\n").json() == {"offset": 8}
    ahead = writer.append(20, b"lost")
    assert (ahead.status_code, ahead.json()["error"]["details"]) == (409, {"offset": 8})
    answer = user.get(where)
    assert (answer.text, answer.headers["farm-log-offset"]) == ("one\ntwo\n", "8")
    assert user.get(where, params={"offset": 4}).text == "two\n"
    assert user.get(where, params={"offset": 8}).text == ""
    assert user.get(where, params={"offset": -1}).status_code == 422
    assert user.get(where, params={"attempt": "att-unknown"}).status_code == 404


def test_a_log_is_followed_until_its_attempt_ends(writing: Writing) -> None:
    _, user, writer = writing
    read: list[bytes] = []

    def follow() -> None:
        with user.stream("GET", f"{API}/builds/{writer.build}/log", params={"follow": 1}) as stream:
            read.extend(stream.iter_bytes())

    writer.append(0, b"before\n")
    following = threading.Thread(target=follow)
    following.start()
    until(lambda: b"".join(read) == b"before\n")
    writer.append(7, b"while\n")
    until(lambda: b"".join(read) == b"before\nwhile\n")
    assert following.is_alive()
    assert writer.worker.tell(writer.claim, "publish", writer.result).status_code == 200
    following.join(10)
    assert not following.is_alive()
    assert b"".join(read) == b"before\nwhile\n"


def test_the_log_of_an_ended_attempt_becomes_blobs_and_reads_the_same(writing: Writing) -> None:
    doors, user, writer = writing
    text = b"".join(b"line %d\n" % number for number in range(200_000))
    for offset in range(0, len(text), 1 << 20):
        assert writer.append(offset, text[offset : offset + (1 << 20)]).status_code == 200
    where = f"{API}/builds/{writer.build}/log"
    assert user.get(where).content == text
    assert logs.seal_ended(doors.context) == 0
    writer.worker.tell(writer.claim, "publish", writer.result)
    doors.clock.pass_s(60)
    assert logs.seal_ended(doors.context) == 1
    assert doors.context.logs.attempts() == ()
    assert user.get(where).content == text
    assert user.get(where, params={"offset": len(text) - 5}).content == text[-5:]
    assert user.get(where, params={"follow": 1}).content == text


def test_of_a_log_without_measure_the_head_and_the_tail_are_kept(writing: Writing) -> None:
    doors, user, writer = writing
    size = (HEAD_SEGMENTS + TAIL_SEGMENTS + 5) * SEGMENT_BYTES + 77
    for offset in range(0, size, 4 << 20):
        piece = bytes((offset + index) // SEGMENT_BYTES % 256 for index in range(0, 4 << 20, SEGMENT_BYTES))
        data = b"".join(bytes([number]) * SEGMENT_BYTES for number in piece)[: size - offset]
        assert writer.append(offset, data).json() == {"offset": offset + len(data)}
    where = f"{API}/builds/{writer.build}/log"
    live = user.get(where).content
    writer.worker.tell(writer.claim, "publish", writer.result)
    doors.clock.pass_s(60)
    logs.seal_ended(doors.context)
    assert user.get(where).content == live
    cut = b"bytes of the log were not kept"
    assert live.count(cut) == 1
    head, tail = live.split(b"\n[" + str(6 * SEGMENT_BYTES).encode() + b" bytes of the log were not kept]\n")
    assert len(head) == HEAD_SEGMENTS * SEGMENT_BYTES
    assert len(tail) == (TAIL_SEGMENTS - 1) * SEGMENT_BYTES + 77
    assert tail[-1] == (size - 1) // SEGMENT_BYTES
    assert user.get(where, params={"offset": size - 3}).content == tail[-3:]


def test_the_log_of_nothing_is_not_found_and_that_of_a_build_before_its_start_is_empty(doors: Doors) -> None:
    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER) as device:
        Worker(device, doors)
        (request,) = submitted(user)["builds"]
        for kind, id in (("builds", request["build"]), ("preparations", request["preparation"])):
            begun = user.get(f"{API}/{kind}/{id}/log")
            assert (begun.status_code, begun.content) == (200, b"")
            for follow in (0, 1):
                missing = user.get(f"{API}/{kind}/{id}x/log", params={"follow": follow})
                assert (missing.status_code, missing.json()["error"]["code"]) == (404, "not_found")


def test_a_log_survives_the_coordinator(tmp_path: Path, tables_url: str) -> None:
    with (
        opened(tmp_path / "data", tables_url) as doors,
        doors.client(Scope.SUBMIT) as user,
        doors.client(Scope.WORKER) as device,
    ):
        writer = Writer(doors, user, device)
        writer.append(0, b"before the restart\n")
    with opened(tmp_path / "data", tables_url) as doors, doors.client(Scope.SUBMIT) as user:
        assert user.get(f"{API}/builds/{writer.build}/log").text == "before the restart\n"
        doors.clock.pass_s(3600)
        doors.farm.reconcile()
        doors.clock.pass_s(60)
        stop = threading.Event()
        tidying = threading.Thread(target=housekeeping.run, args=(doors.context, stop))
        tidying.start()
        until(lambda: not doors.context.logs.attempts())
        stop.set()
        tidying.join()
        assert user.get(f"{API}/builds/{writer.build}/log").text == "before the restart\n"
