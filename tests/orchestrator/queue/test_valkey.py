from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from orchestrator.queue.client import answers, connect
from orchestrator.queue.credentials import Credentials
from orchestrator.queue.valkey import EmbeddedValkey
from tests.support.waiting import until

START_AND_WAIT = """
import sys, time
from pathlib import Path
from orchestrator.queue.client import answers, connect
from orchestrator.queue.credentials import Credentials
from orchestrator.queue.valkey import EmbeddedValkey
folder = Path(sys.argv[1])
server = EmbeddedValkey(folder, Credentials(folder / "secret"))
server.start()
print(server.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedValkey]:
    started = EmbeddedValkey(tmp_path, Credentials(tmp_path / "secret"))
    started.start()
    yield started
    started.close()


def test_nobody_speaks_to_it_without_the_password(server: EmbeddedValkey) -> None:
    address = server.url.rpartition("@")[2]
    for credential in ("", ":guessed@", "default:guessed@"):
        with connect(f"redis://{credential}{address}") as client, pytest.raises(redis.AuthenticationError):
            client.ping()
    assert answers(server.url)


def test_the_password_is_in_no_command_line_environment_or_readable_file(
    server: EmbeddedValkey, tmp_path: Path
) -> None:
    password = server.url.split("@")[0].rpartition(":")[2]
    process = psutil.Process(server.pid)
    assert password not in " ".join(process.cmdline())
    assert password not in str(process.environ())
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() and password in path.read_text("latin1")] == []


def test_it_listens_on_the_loopback_interface_only(server: EmbeddedValkey) -> None:
    listening = [c.laddr.ip for c in psutil.Process(server.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening == ["127.0.0.1"]


@pytest.mark.fault
def test_a_killed_server_is_back_with_what_it_held(server: EmbeddedValkey) -> None:
    with connect(server.url) as client:
        client.lpush("queue", "held")
    killed = server.pid
    os.kill(killed, signal.SIGKILL)
    until(lambda: server.pid not in (0, killed) and answers(server.url))
    with connect(server.url) as client:
        assert client.lrange("queue", 0, -1) == [b"held"]


@pytest.mark.fault
def test_files_that_it_cannot_read_do_not_stop_it_for_good(server: EmbeddedValkey, tmp_path: Path) -> None:
    with connect(server.url) as client:
        client.lpush("queue", "held")
    killed = server.pid
    (written,) = tmp_path.glob("appendonlydir/*.incr.aof")
    written.write_bytes(b"not what a server writes")
    os.kill(killed, signal.SIGKILL)
    until(lambda: server.pid not in (0, killed) and answers(server.url))


@pytest.mark.fault
def test_a_server_that_hangs_is_replaced(server: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestrator.queue.valkey._DEAF_CHECKS", 1)
    hung = server.pid
    os.kill(hung, signal.SIGSTOP)
    until(lambda: server.pid not in (0, hung) and answers(server.url), within_s=20)


@pytest.mark.fault
def test_a_server_that_could_not_be_started_is_tried_again(server: EmbeddedValkey, tmp_path: Path) -> None:
    killed = server.pid
    (tmp_path / "valkey.log").unlink()
    (tmp_path / "valkey.log").mkdir()
    os.kill(killed, signal.SIGKILL)
    until(lambda: server.pid == 0)
    (tmp_path / "valkey.log").rmdir()
    until(lambda: server.pid not in (0, killed) and answers(server.url))


def test_closing_stops_it_and_it_may_be_closed_twice(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path, Credentials(tmp_path / "secret"))
    server.start()
    pid = server.pid
    server.close()
    server.close()
    assert not psutil.pid_exists(pid)


@pytest.mark.fault
def test_it_dies_with_its_parent(tmp_path: Path) -> None:
    command = [sys.executable, "-c", START_AND_WAIT, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    _, alive = psutil.wait_procs([server], timeout=10)
    assert alive == []


def test_a_restarted_farm_keeps_the_address_that_workers_know(tmp_path: Path) -> None:
    first = EmbeddedValkey(tmp_path, Credentials(tmp_path / "secret"))
    first.start()
    first.close()
    again = EmbeddedValkey(tmp_path, Credentials(tmp_path / "secret"))
    assert again.url == first.url
    again.close()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", int(first.url.rpartition(":")[2].split("/")[0])))
        taken.listen()
        assert EmbeddedValkey(tmp_path, Credentials(tmp_path / "secret")).url != first.url
