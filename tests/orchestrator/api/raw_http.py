"""An HTTP client that can be rude: stop in the middle, send in pieces, or send two requests at once."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from types import TracebackType

_TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Answer:
    """A status, the headers with small names, and the body."""

    status: int
    headers: dict[str, str]
    body: bytes


class RawConnection:
    """A connection to a server on this machine; what is sent is what is given."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=_TIMEOUT_S)

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.socket.close()

    def send(self, text: str | bytes) -> None:
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def ask(self, method: str, path: str, body_bytes: int = 0, **headers: str) -> None:
        """Send the head of a request of the caller `me`."""
        lines = [f"{method} {path} HTTP/1.1", "Host: farm", "Farm-Test-Caller: me", f"Content-Length: {body_bytes}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.send("\r\n".join([*lines, "", ""]))

    def receive(self, count: int) -> bytes:
        """So many bytes, or fewer when the server closes."""
        received = b""
        while len(received) < count and (piece := self.socket.recv(count - len(received))):
            received += piece
        return received

    def answer(self, method: str = "GET") -> Answer:
        """The next answer, and no byte of the one after it. Raises: EOFError: the server closed instead."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.receive(1)
            if not byte:
                raise EOFError(head)
            head += byte
        first, *lines = head.decode("latin-1").split("\r\n")[:-2]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = 0 if method == "HEAD" else int(headers.get("content-length", 0))
        return Answer(int(first.split()[1]), headers, self.receive(length))
