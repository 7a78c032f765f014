"""The short way against rude clients: every request on the same connection must still get its own answer."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from orchestrator.api import wire, wire_body, wire_send
from orchestrator.api.server import FarmServer, listen, make_server_config
from tests.support.waiting import until

from .blob_process import BlobProcess
from .blob_server import application
from .raw_http import RawConnection
from .test_blobs import blob

PATIENCE_S = 0.4


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """The port of a server in a thread, whose patience with silent clients is short."""
    monkeypatch.setattr(wire_body, "RECEIVE_IDLE_S", PATIENCE_S)
    monkeypatch.setattr(wire, "LINGER_S", PATIENCE_S)
    monkeypatch.setattr(wire_send, "SEND_IDLE_S", PATIENCE_S)
    ready = threading.Event()
    with listen("127.0.0.1", 0) as listening:
        app = application(tmp_path, asyncio.Event())
        server = FarmServer(make_server_config(app), lambda port: ready.set())
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        assert ready.wait(20)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


def offset_of(connection: RawConnection, upload: str) -> int:
    connection.ask("HEAD", f"/api/v1/uploads/{upload}")
    return int(connection.answer("HEAD").headers["upload-offset"])


def begin(connection: RawConnection, sha256: str, size_bytes: int) -> str:
    ask = json.dumps({"sha256": sha256, "size_bytes": size_bytes})
    connection.ask("POST", "/api/v1/uploads", len(ask))
    connection.send(ask)
    return str(json.loads(connection.answer().body)["id"])


@pytest.mark.parametrize("size_bytes", [1, 1000, 70_000, 5_000_000])
def test_pipelined_requests(blob_server: BlobProcess, size_bytes: int) -> None:
    """Head, body and the next two requests arrive in one stream, with no pause between them."""
    (first, first_sha256), (second, second_sha256) = blob(size_bytes), blob(size_bytes + 7)
    with RawConnection(blob_server.port) as connection:
        thread = threading.Thread(target=_pipeline, args=(connection, first, first_sha256, second, second_sha256))
        thread.start()
        assert connection.answer().status == 201
        assert connection.answer().body == first
        assert connection.answer().status == 201
        assert connection.answer().body == second
        thread.join()


def _pipeline(connection: RawConnection, first: bytes, first_sha256: str, second: bytes, second_sha256: str) -> None:
    for data, sha256 in ((first, first_sha256), (second, second_sha256)):
        connection.ask("PUT", f"/api/v1/blobs/{sha256}", len(data))
        connection.send(data)
        connection.ask("GET", f"/api/v1/blobs/{sha256}")


def test_a_body_in_the_same_packet_as_its_head(blob_server: BlobProcess) -> None:
    data, sha256 = blob(3000)
    head = f"PUT /api/v1/blobs/{sha256} HTTP/1.1\r\nHost: x\r\nFarm-Test-Caller: me\r\nContent-Length: 3000\r\n\r\n"
    for cut in (len(head) - 1, len(head), len(head) + 1, len(head) + 1500, len(head) + 3000):
        with RawConnection(blob_server.port) as connection:
            connection.send((head.encode() + data)[:cut])
            connection.send((head.encode() + data)[cut:])
            assert connection.answer().status in (200, 201)
            connection.ask("GET", f"/api/v1/blobs/{sha256}")
            assert connection.answer().body == data


def test_a_body_that_nobody_wants_is_not_taken_for_a_request(blob_server: BlobProcess) -> None:
    """Refused at once, the client sends its body all the same; the next request on the connection is answered."""
    body = b"GET /told HTTP/1.1\r\nHost: evil\r\n\r\n" * 20_000
    with RawConnection(blob_server.port) as connection:
        connection.ask("PUT", "/api/v1/blobs/nonsense", len(body))
        assert connection.answer().status == 422
        connection.send(body)
        connection.ask("HEAD", f"/api/v1/blobs/{'0' * 64}")
        assert connection.answer("HEAD").status == 404


def test_a_body_refused_in_the_middle_is_read_to_its_end(blob_server: BlobProcess) -> None:
    data, sha256 = blob(1_000_000)
    with RawConnection(blob_server.port) as first, RawConnection(blob_server.port) as second:
        upload = begin(first, sha256, len(data))
        first.ask("PATCH", f"/api/v1/uploads/{upload}", len(data), Upload_Offset="0")
        first.send(data[:300_000])
        # Another transfer finishes with wrong bytes, so that the upload is gone under the feet of the first.
        second.ask("PATCH", f"/api/v1/uploads/{upload}", len(data), Upload_Offset="0")
        second.send(bytes(len(data)))
        assert second.answer().status == 204
        second.ask("POST", f"/api/v1/uploads/{upload}/finish")
        assert second.answer().status == 422
        first.send(data[300_000:])
        assert first.answer().status == 409
        first.ask("HEAD", f"/api/v1/uploads/{upload}")
        assert first.answer("HEAD").status == 404


def test_an_answer_before_100_continue_ends_the_connection(short_way: BlobProcess) -> None:
    """The client may now skip its body or send it, and the server cannot tell what the next bytes are."""
    with RawConnection(short_way.port) as connection:
        connection.ask("PUT", "/api/v1/blobs/nonsense", 5_000_000, Expect="100-continue")
        assert connection.answer().status == 422
        assert connection.receive(1) == b""


def test_100_continue_comes_before_the_body(blob_server: BlobProcess) -> None:
    data, sha256 = blob(100_000)
    with RawConnection(blob_server.port) as connection:
        connection.ask("PUT", f"/api/v1/blobs/{sha256}", len(data), Expect="100-continue")
        assert connection.answer().status == 100
        connection.send(data)
        assert connection.answer().status == 201
        connection.ask("GET", f"/api/v1/blobs/{sha256}")
        assert connection.answer().body == data


def test_ordinary_bodies_still_arrive(blob_server: BlobProcess) -> None:
    with RawConnection(blob_server.port) as connection:
        for size_bytes in (0, 10, 1_000_000):
            connection.ask("POST", "/echo", size_bytes)
            connection.send(bytes(size_bytes))
            assert json.loads(connection.answer().body)["bytes"] == size_bytes


def test_a_connection_that_was_asked_to_close_closes(blob_server: BlobProcess) -> None:
    data, sha256 = blob(1_000_000)
    with RawConnection(blob_server.port) as connection:
        connection.ask("PUT", f"/api/v1/blobs/{sha256}", len(data), Connection="close")
        connection.send(data)
        assert connection.answer().status == 201
        assert connection.receive(1) == b""


def test_a_silent_client_is_told_how_far_it_came(impatient: int) -> None:
    data, sha256 = blob(1_000_000)
    with RawConnection(impatient) as connection, RawConnection(impatient) as other:
        upload = begin(connection, sha256, len(data))
        connection.ask("PATCH", f"/api/v1/uploads/{upload}", len(data), Upload_Offset="0")
        connection.send(data[:123_456])
        answer = connection.answer()
        assert (answer.status, answer.headers["upload-offset"]) == (204, "123456")
        assert offset_of(other, upload) == 123_456


def test_a_slow_client_is_not_a_silent_one(impatient: int) -> None:
    """Each pause is shorter than the server's patience, all of them together are longer."""
    data, sha256 = blob(5000)
    with RawConnection(impatient) as connection, RawConnection(impatient) as other:
        upload = begin(other, sha256, len(data))
        connection.ask("PATCH", f"/api/v1/uploads/{upload}", len(data), Upload_Offset="0")
        for start in range(0, len(data), 1000):
            connection.send(data[start : start + 1000])
            if start < 4000:
                # What came is on disk soon, although neither the batch nor the body is full.
                until(partial(_has_come_to, other, upload, start + 1000))
        assert connection.answer().headers["upload-offset"] == "5000"


def test_a_client_that_never_ends_its_unwanted_body_is_left(impatient: int) -> None:
    with RawConnection(impatient) as connection:
        connection.ask("PUT", "/api/v1/blobs/nonsense", 5_000_000)
        connection.send(bytes(100_000))
        assert connection.answer().status == 422
        assert connection.receive(1) == b""


def test_a_reader_that_takes_nothing_is_left(impatient: int) -> None:
    data, sha256 = blob(40_000_000)
    with RawConnection(impatient) as writer, RawConnection(impatient) as reader:
        writer.ask("PUT", f"/api/v1/blobs/{sha256}", len(data))
        writer.send(data)
        assert writer.answer().status == 201
        reader.ask("GET", f"/api/v1/blobs/{sha256}")
        assert _is_cut(reader, len(data))
        writer.ask("GET", f"/api/v1/blobs/{sha256}", Range="bytes=0-9")
        assert writer.answer().body == data[:10]


def test_a_slow_reader_is_not_a_dead_one(impatient: int) -> None:
    """It takes a little within each patience, and all of it takes longer than that."""
    data, sha256 = blob(12_000_000)
    with RawConnection(impatient) as writer, RawConnection(impatient) as reader:
        writer.ask("PUT", f"/api/v1/blobs/{sha256}", len(data))
        writer.send(data)
        assert writer.answer().status == 201
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 100_000)
        reader.ask("GET", f"/api/v1/blobs/{sha256}")
        received = b""
        began_s = time.monotonic()
        while len(received) < len(data) or not received.endswith(data):
            piece = reader.socket.recv(1_000_000)
            assert piece, f"it was left after {len(received)} bytes"
            received += piece
            threading.Event().wait(PATIENCE_S / 4)
        assert time.monotonic() - began_s > PATIENCE_S
        assert received.endswith(data)


def _has_come_to(connection: RawConnection, upload: str, offset: int) -> bool:
    return offset_of(connection, upload) == offset


def _is_cut(reader: RawConnection, size_bytes: int) -> bool:
    """Wait without reading until the server must have given up, then count what it had sent."""
    threading.Event().wait(3 * PATIENCE_S)
    try:
        return len(reader.receive(size_bytes)) < size_bytes
    except ConnectionResetError:
        return True
