from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO

import pytest

from orchestrator.queue.acl import DeviceAccounts
from orchestrator.queue.celery_wakeups import CeleryWakeups
from orchestrator.queue.choose import choose
from orchestrator.queue.client import connect
from orchestrator.queue.credentials import Credentials
from orchestrator.queue.valkey import EmbeddedValkey
from orchestrator.services.wakeup_port import Wakeups
from tests.support import services
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import until

pytestmark = pytest.mark.services

# A broker that is waited for costs two or three seconds.
NEVER_LONGER_S = 0.5
QUEUE_KEY = "farm:xavier:wakeups"


@pytest.fixture
def wakeups(broker_url: str, tmp_path: Path) -> Iterator[CeleryWakeups]:
    made = CeleryWakeups(broker_url, accounts=DeviceAccounts(Credentials(tmp_path / "secret")))
    yield made
    made.forget("xavier")
    until(lambda: not users(broker_url))
    made.close()


def users(url: str) -> list[str]:
    with connect(url) as client:
        return [name for name in client.acl_users() if name.startswith("farm-")]


@contextmanager
def consuming(url: str | None, interpreter: str = sys.executable) -> Iterator[queue.Queue[str]]:
    """The consumer of xavier's worker in a process of its own; yields the ids it is woken with."""
    assert url is not None
    command = [interpreter, "-m", "tests.support.consumer", url, "xavier"]
    woken: queue.Queue[str] = queue.Queue()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[3]) as worker:
        assert worker.stdout is not None
        reader = threading.Thread(target=copy_ids, args=[worker.stdout, woken])
        reader.start()
        try:
            yield woken
        finally:
            worker.send_signal(signal.SIGTERM)
            try:
                worker.wait(20)
            except subprocess.TimeoutExpired:
                worker.kill()
            reader.join()


def copy_ids(lines: IO[str], into: queue.Queue[str]) -> None:
    """The ids among the lines, until the process that writes them ends."""
    for line in lines:
        if line.startswith("woken "):
            into.put(line.split()[1])


def wake_until_woken(wakeups: Wakeups, woken: queue.Queue[str], build_id: str, within_s: float) -> None:
    """Wake again and again, as the reconciler does, until the worker heard it."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        wakeups.wake("xavier", build_id)
        try:
            while woken.get(timeout=0.5) != build_id:
                pass
        except queue.Empty:
            continue
        return
    raise AssertionError(f"the worker was not woken within {within_s} s")


def test_a_wakeup_reaches_a_celery_worker_with_the_devices_own_credential(wakeups: CeleryWakeups) -> None:
    with consuming(wakeups.worker_url("xavier")) as woken:
        wakeups.wake("xavier", "build-1")
        assert woken.get(timeout=30) == "build-1"
    assert wakeups.counts().sent == 1
    assert wakeups.healthy()


@pytest.mark.slow
def test_a_wakeup_reaches_the_celery_that_runs_on_the_oldest_device(wakeups: CeleryWakeups, python39: Path) -> None:
    with consuming(wakeups.worker_url("xavier"), str(python39)) as woken:
        wakeups.wake("xavier", "build-1")
        assert woken.get(timeout=30) == "build-1"


def test_the_message_holds_the_id_and_a_wakeup_of_one_device_is_not_anothers(
    wakeups: CeleryWakeups, broker_url: str
) -> None:
    wakeups.wake("xavier", "build-1")
    until(lambda: wakeups.counts().sent == 1)
    with connect(broker_url) as client:
        (message,) = client.lrange(QUEUE_KEY, 0, -1)
        assert b"pickle" not in message
        assert b'"expires": null' in message, "the clock of a device would be asked"
        assert 0 < client.ttl(QUEUE_KEY) <= 600
        assert all(key.startswith(b"farm:xavier:") for key in client.scan_iter())


def test_a_device_that_never_answers_fills_no_memory(wakeups: CeleryWakeups, broker_url: str) -> None:
    for number in range(150):
        wakeups.wake("xavier", f"build-{number}")
    until(lambda: wakeups.counts().sent == 150)
    with connect(broker_url) as client:
        assert client.llen(QUEUE_KEY) == 100


@pytest.mark.fault
def test_a_queue_that_was_emptied_is_written_again(wakeups: CeleryWakeups, broker_url: str) -> None:
    wakeups.wake("xavier", "build-1")
    until(lambda: wakeups.counts().sent == 1)
    with connect(broker_url) as client:
        client.flushdb()
        wakeups.wake("xavier", "build-2")
        until(lambda: client.llen(QUEUE_KEY) == 1)


@pytest.mark.fault
def test_a_broker_that_is_killed_emptied_and_started_again_wakes_within_seconds(tmp_path: Path) -> None:
    """The farm's own broker: it comes back by itself, and with it the users that it had forgotten.

    Whatever Celery makes of a broker that dies between a message and its acknowledgement, the worker's consumer
    starts it again.
    """
    credentials = Credentials(tmp_path / "secret")
    server = EmbeddedValkey(tmp_path, credentials)
    server.start()
    wakeups = CeleryWakeups(server.url, accounts=DeviceAccounts(credentials), stop=server.close)
    try:
        with consuming(wakeups.worker_url("xavier")) as woken:
            wakeups.wake("xavier", "before")
            assert woken.get(timeout=30) == "before"
            killed = server.pid
            for written in tmp_path.glob("appendonlydir/*"):
                written.unlink()
            os.kill(killed, signal.SIGKILL)
            wake_until_woken(wakeups, woken, "after", within_s=20)
            assert server.pid != killed
    finally:
        wakeups.close()


@pytest.mark.fault
def test_no_call_waits_for_a_broker_that_is_down_or_hangs(tmp_path: Path) -> None:
    with services.private_broker(os.environ) as (server, url):
        wakeups = choose(url, tmp_path, own_users=True)
        until(wakeups.healthy)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            assert longest_call_s(wakeups) < NEVER_LONGER_S
            until(lambda: not wakeups.healthy())
            assert longest_call_s(wakeups) < NEVER_LONGER_S
        finally:
            os.kill(server.pid, signal.SIGCONT)
        until(wakeups.healthy)
        until(lambda: wakeups.counts().waiting == 0)
    until(lambda: not wakeups.healthy())
    assert longest_call_s(wakeups) < NEVER_LONGER_S
    began = time.monotonic()
    wakeups.close()
    assert time.monotonic() - began < 6


def longest_call_s(wakeups: Wakeups) -> float:
    """The longest of many calls, in seconds."""
    longest_s = 0.0
    for number in range(200):
        for call in (partial(wakeups.wake, "xavier", str(number)), partial(wakeups.worker_url, "xavier")):
            with Stopwatch() as watch:
                call()
            longest_s = max(longest_s, watch.own_s)
    return longest_s
