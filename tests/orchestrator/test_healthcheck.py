from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from farm.protocol.errors import Unavailable
from orchestrator.healthcheck import check_ready


@contextmanager
def answering(status: int, body: bytes) -> Iterator[int]:
    """The port of a server that gives one answer to `/readyz`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_coordinator_that_says_so_is_ready(host: str) -> None:
    with answering(200, b'{"status": "ok"}') as port:
        check_ready(host, port, 10.0)


@pytest.mark.parametrize(
    ("body", "told"), [(b'{"reason": "the database is down"}', "the database is down"), (b"<html>", "does not say why")]
)
def test_one_that_is_not_says_why(body: bytes, told: str) -> None:
    with answering(503, body) as port, pytest.raises(Unavailable, match=told):
        check_ready("127.0.0.1", port, 10.0)


def test_nobody_and_one_that_does_not_answer_are_not_ready() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        with pytest.raises(Unavailable, match="no coordinator answers"):
            check_ready("127.0.0.1", port, 0.05)
    with pytest.raises(Unavailable, match=f"port {port}"):
        check_ready("127.0.0.1", port, 10.0)
