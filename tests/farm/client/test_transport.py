"""What is sent again after a broken connection, and what never is."""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
from contextlib import contextmanager
from typing import Iterator, List, Tuple

import pytest

from farm import __version__
from farm.client.transport import Break, Broken, Transport, load_httpx, segment
from farm.protocol.errors import CoordinatorError, Invalid, Unavailable
from farm.protocol.views import TokenView

from ..samples import NOW

OK = {"id": "t", "name": "me", "scope": "admin", "created_at": NOW}


@contextmanager
def answering(*answers: bytes) -> Iterator[Tuple[str, List[bytes]]]:
    """A server that gives one raw answer to each connection, and what it was sent; an empty one hangs up."""
    heard: List[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for answer in answers:
                connection, _ = server.accept()
                with connection:
                    heard.append(_request(connection))
                    connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", heard
        thread.join(5)


def _request(connection: socket.socket) -> bytes:
    """One request with its whole body."""
    told = b""
    while b"\r\n\r\n" not in told:
        told += connection.recv(65536)
    size = re.search(rb"content-length: (\d+)", told, re.IGNORECASE)
    while size and len(told.partition(b"\r\n\r\n")[2]) < int(size.group(1)):
        told += connection.recv(65536)
    return told


def raw(status: str, body: object) -> bytes:
    """An answer with a JSON body, after which the connection closes."""
    content = json.dumps(body).encode()
    return f"HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def transport(url: str, pauses: List[float]) -> Transport:
    return Transport(url, "token", timeout_s=5, sleep=pauses.append)


def test_reading_is_tried_again_after_a_hang_up() -> None:
    pauses: List[float] = []
    with answering(b"", b"", raw("200 OK", OK)) as (url, heard):
        assert transport(url, pauses).value(TokenView, "GET", "/whoami").name == "me"
    assert len(heard) == 3
    assert pauses == sorted(pauses)


def test_a_change_that_may_have_happened_is_not_sent_again() -> None:
    pauses: List[float] = []
    with answering(b"") as (url, heard):
        with pytest.raises(Broken) as caught:
            transport(url, pauses).request("POST", "/tokens", {"name": "x"})
        assert caught.value.how is Break.CUT
    assert (len(heard), pauses) == (1, [])


def test_a_change_that_may_be_repeated_is_sent_again_whole() -> None:
    with answering(b"", raw("200 OK", {})) as (url, heard):
        transport(url, []).request("POST", "/submissions", {"name": "x"}, repeatable=True)
    assert [item.rpartition(b"\r\n\r\n")[2] for item in heard] == [b'{"name": "x"}'] * 2


def test_trying_again_ends() -> None:
    pauses: List[float] = []
    with answering(*[b""] * 5) as (url, heard), pytest.raises(Broken, match="broke"):
        transport(url, pauses).request("GET", "/whoami")
    assert (len(heard), len(pauses)) == (5, 4)


def test_an_error_of_the_coordinator_keeps_code_hint_and_status() -> None:
    body = {"error": {"code": "unavailable", "message": "the database is down", "hint": "Wait.", "details": {"a": 1}}}
    answer = raw("503 Service Unavailable", body)
    with answering(answer) as (url, _), pytest.raises(Unavailable, match=r"database is down\. Wait\.") as caught:
        transport(url, []).request("GET", "/whoami")
    assert caught.value.details == {"a": 1, "status": 503}


@pytest.mark.parametrize("body", [b"<html>Bad Gateway</html>", b"[]", b'{"detail": "x"}'])
def test_an_error_of_something_else_names_address_and_status(body: bytes) -> None:
    answer = b"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with answering(answer) as (url, _), pytest.raises(
        CoordinatorError, match=f"{url} answered 502, and not as a coordinator does. Check FARM_URL"
    ):
        transport(url, []).request("GET", "/whoami")


def test_an_answer_that_is_not_json_is_a_sentence() -> None:
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"
    with answering(answer) as (url, _), pytest.raises(CoordinatorError, match="does not understand"):
        transport(url, []).value(TokenView, "GET", "/whoami")


def test_an_answer_of_another_version_names_both() -> None:
    newer = raw("200 OK", {**OK, "colour": "red"}).replace(b"Connection:", b"Farm-Version: 99.1\r\nConnection:")
    with answering(newer) as (url, heard), pytest.raises(CoordinatorError, match=r"colour: unknown field") as caught:
        transport(url, []).value(TokenView, "GET", "/whoami")
    assert caught.value.hint == (
        f"The client is farm {__version__} and the coordinator is farm 99.1: "
        f"install 99.1 at the client, or {__version__} at the coordinator."
    )
    assert f"Farm-Version: {__version__}".encode() in heard[0]


def test_the_token_goes_with_every_call_and_nowhere_else() -> None:
    redirect = b"HTTP/1.1 302 Found\r\nConnection: close\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n"
    with answering(raw("200 OK", OK), redirect) as (url, heard):
        caller = transport(url, [])
        caller.value(TokenView, "GET", "/whoami")
        with pytest.raises(CoordinatorError, match="answered 302"):
            caller.request("GET", "/whoami")
    assert b"Authorization: Bearer token" in heard[0]


def test_names_become_one_segment() -> None:
    assert segment("a/b c?d") == "a%2Fb%20c%3Fd"
    for name in ("", ".", ".."):
        with pytest.raises(Invalid):
            segment(name)


def test_the_light_import_leaves_nothing_behind() -> None:
    assert load_httpx() is sys.modules["httpx"]
    assert sys.modules.get("httpx._main", ...) is not None
