"""uvicorn's HTTP/1.1 protocol, with a short way for large bodies in both directions.

An application finds a `Direct` under `DIRECT` in the extensions of the scope. With it a request body of known length
goes from the socket straight into the application's memory, and a file goes from the disk straight into the socket.
Everything else, and every application that does not look there, sees plain ASGI. Reasons: docs/decisions/0003-blobs.md.
"""

from __future__ import annotations

import logging
from typing import Any, BinaryIO, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from .wire_body import BodyReceiver
from .wire_send import FileSender

log = logging.getLogger("farm.api")

DIRECT = "farm.direct"

# After an answer that came before the end of the body, the rest is read and dropped for so long: a connection closed
# at once would be reset, and the client would often lose the answer.
LINGER_S = 10.0


class Direct:
    """The short way of one request.

    Attributes:
        body: Its body, or None where the length was not announced.
    """

    def __init__(self, http: FarmHttpProtocol, cycle: RequestResponseCycle, length_bytes: int | None) -> None:
        self._http = http
        self._cycle = cycle
        self._sender = FileSender(http.transport, lambda: cycle.disconnected)
        self.body = None if length_bytes is None else BodyReceiver(http, cycle, length_bytes)

    @property
    def body_begun(self) -> bool:
        """True once the application asked for the body."""
        return self.body is not None and self.body.begun

    @property
    def may_send(self) -> bool:
        """True once the start of an answer is on its way, in clear. Not so behind a middleware that holds it back."""
        started = self._cycle.response_started and self._cycle.chunked_encoding is False
        return started and self._http.scheme == "http"

    async def send_file(self, file: BinaryIO, start: int, end: int) -> None:
        """Send these bytes of a file as body of the answer, which has started and must still be ended.

        When the client leaves, or takes nothing for a minute, or the file cannot be read, the rest is not sent and the
        connection is gone.
        """
        try:
            await self._sender.send(file, start, end)
            self._cycle.expected_content_length -= end - start
        except OSError as error:
            if not isinstance(error, (ConnectionError, TimeoutError)):
                log.error("a file could not be sent to its end: %s", error)
            # uvicorn must not take the unfinished answer for a mistake of the application.
            self._cycle.disconnected = True
            self._http.transport.abort()

    def wake(self) -> None:
        """Let a `send_file` that waits for the client look whether it is still there."""
        self._sender.wake()


class FarmHttpProtocol(HttpToolsProtocol):
    """What `uvicorn.Config(http=...)` takes."""

    _direct: Direct | None = None
    _body_parsed = False

    def on_headers_complete(self) -> None:
        """Offer the short way to the application, whose task starts only after this."""
        before, self._direct, self._body_parsed = self.cycle, None, False
        super().on_headers_complete()
        if self.cycle is not before:
            self._direct = Direct(self, self.cycle, _content_length(self.headers))
            cast(dict[str, Any], self.scope).setdefault("extensions", {})[DIRECT] = self._direct

    def on_body(self, body: bytes) -> None:
        """Remember that the client began to send."""
        self._body_parsed = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Remember that the body is over, also when the answer came first."""
        super().on_message_complete()
        self.cycle.more_body = False

    def on_response_complete(self) -> None:
        """Take care of a client that is not through with its body."""
        super().on_response_complete()
        if not (self.cycle.response_complete and self.cycle.more_body):
            return
        begun = self._body_parsed or (self._direct is not None and self._direct.body_begun)
        if self.expect_100_continue and not begun:
            # It may skip the body or send it: what follows on this connection could be either.
            self.transport.close()
        else:
            self.loop.call_later(LINGER_S, self._end_linger, self.cycle)

    def hang_up(self) -> None:
        """Treat the client as gone, so that what the application streams or holds open for it ends."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        if self._direct is not None:
            self._direct.wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Let whoever still sends know."""
        super().connection_lost(exc)
        if self._direct is not None:
            self._direct.wake()

    def _end_linger(self, cycle: RequestResponseCycle) -> None:
        if cycle.more_body and not self.transport.is_closing():
            self.transport.close()


def _content_length(headers: list[tuple[bytes, bytes]]) -> int | None:
    # The parser has refused malformed, repeated and contradicting lengths before.
    return next((int(value) for name, value in headers if name == b"content-length"), None)
