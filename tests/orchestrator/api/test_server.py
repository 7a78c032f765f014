from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

import httpx
import pytest

from farm.protocol.errors import Unavailable
from orchestrator.api.server import listen
from tests.support.waiting import until

from .blob_process import BlobProcess
from .raw_http import RawConnection
from .test_blobs import blob

# What the server promises, and what a busy machine may add.
WITHIN_S = 4.0 + 6.0


def seconds_to_stop(process: BlobProcess, sent: signal.Signals = signal.SIGTERM) -> float:
    began_s = time.monotonic()
    process.child.send_signal(sent)
    assert process.child.wait(30) == 0
    return time.monotonic() - began_s


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionRefusedError:
        return False
    return True


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_server_stops_and_exits_with_0(short_way: BlobProcess, sent: signal.Signals) -> None:
    with httpx.Client(base_url=short_way.url) as kept_alive:
        kept_alive.get("/told")
        assert seconds_to_stop(short_way, sent) < WITHIN_S


def test_it_stops_with_streams_held_calls_and_transfers_open(short_way: BlobProcess, tmp_path: Path) -> None:
    data, sha256 = blob(50_000_000)
    with short_way.client() as client:
        assert client.put(f"/blobs/{sha256}", content=data).status_code == 201
    connections = [RawConnection(short_way.port) for _ in range(8)]
    streams, held = connections[:3], connections[3:5]
    download, upload, silent = connections[5:]
    for stream in streams:
        stream.ask("GET", "/stream")
        assert b"200 OK" in stream.receive(200)
    for call in held:
        call.ask("GET", "/hold")
    download.ask("GET", f"/api/v1/blobs/{sha256}")
    assert download.receive(1000)
    upload.ask("PUT", f"/api/v1/blobs/{'0' * 64}", 10_000_000)
    upload.send(bytes(3_000_000))
    silent.send("GET /told HTT")
    assert seconds_to_stop(short_way) < WITHIN_S
    assert "Traceback" not in short_way.log
    # The held calls knew of the end, and were answered.
    assert [call.answer().body for call in held] == [b'{"stopping":true}'] * 2
    for connection in connections:
        connection.socket.close()
    again = BlobProcess(tmp_path / "store")
    with again.client() as client:
        assert client.get(f"/blobs/{sha256}").content == data
        assert client.get(f"/blobs/{'0' * 64}").status_code == 404
    assert again.stop() == 0


def test_a_request_under_way_is_answered_at_the_end(short_way: BlobProcess) -> None:
    data, sha256 = blob(5_000_000)
    with RawConnection(short_way.port) as connection:
        connection.ask("PUT", f"/api/v1/blobs/{sha256}", len(data))
        connection.send(data[:1_000_000])
        short_way.child.send_signal(signal.SIGTERM)
        connection.send(data[1_000_000:])
        assert connection.answer().status == 201
    assert short_way.child.wait(30) == 0


def test_a_second_signal_ends_it_at_once(short_way: BlobProcess) -> None:
    with RawConnection(short_way.port) as connection:
        connection.ask("GET", "/stream")
        assert connection.receive(200)
        short_way.child.send_signal(signal.SIGTERM)
        until(lambda: not listens(short_way.port))
        assert seconds_to_stop(short_way) < WITHIN_S


def test_a_taken_port_is_told_in_one_sentence() -> None:
    with listen("127.0.0.1", 0) as taken, pytest.raises(Unavailable, match="cannot listen on") as error:
        listen("127.0.0.1", taken.getsockname()[1])
    assert "--port" in error.value.hint


def test_an_address_of_nobody_is_told_in_one_sentence() -> None:
    with pytest.raises(Unavailable, match="cannot listen on"):
        listen("192.0.2.1", 0)


@pytest.mark.skipif(not socket.has_ipv6, reason="this machine has no IPv6")
def test_it_listens_on_ipv6() -> None:
    with listen("::1", 0) as listening:
        assert listening.family is socket.AF_INET6
