"""A request body, received straight into memory that the application owns."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

# A client that sends nothing for so long is gone; one that sends little is read that often.
RECEIVE_IDLE_S = 30.0
_SCRATCH_BYTES = 64 << 10


class BodyTorn(Exception):
    """Raised when the client is gone, or silent, before the body is over."""


class BodyReceiver(asyncio.BufferedProtocol):
    """Takes a connection over from the HTTP parser for the rest of one body, and gives it back for the next request.

    The parser would copy each byte four times on its way; here the kernel writes it where it is wanted.

    Attributes:
        left_bytes: How much of the body the application has not taken yet.
        begun: The application asked for the body.
    """

    def __init__(self, http: HttpToolsProtocol, cycle: RequestResponseCycle, length_bytes: int) -> None:
        self.left_bytes = length_bytes
        self._http = http
        self._cycle = cycle
        self._unread_bytes = length_bytes  # still to come from the socket
        self._early = bytearray()  # came before anybody asked
        self.begun = self._lost = False
        self._target: memoryview | None = None
        self._filled_bytes = 0
        self._filled = asyncio.Event()
        self._scratch = memoryview(b"")

    async def readinto(self, view: memoryview) -> int:
        """Fill `view` from the body and return how much came: less only at its end, or from a slow client.

        Raises: BodyTorn: the client is gone or silent, and nothing came.
        """
        if not self.begun:
            self._begin()
        view = view[: self.left_bytes]
        early = min(len(self._early), len(view))
        view[:early] = self._early[:early]
        del self._early[:early]
        count = early
        if count < len(view) and not self._lost:
            count += await self._receive(view[early:])
        if view and not count:
            raise BodyTorn(f"the client left {self.left_bytes} bytes unsent")
        self.left_bytes -= count
        return count

    def _begin(self) -> None:
        self.begun = True
        if self._cycle.waiting_for_100_continue:
            self._http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self._cycle.waiting_for_100_continue = False
        self._early, self._cycle.body = self._cycle.body, bytearray()
        self._unread_bytes -= len(self._early)
        self._lost = self._cycle.disconnected
        if self._unread_bytes and not self._lost:
            self._http.transport.set_protocol(self)

    async def _receive(self, view: memoryview) -> int:
        self._target, self._filled_bytes = view, 0
        self._filled.clear()
        self._http.flow.resume_reading()
        try:
            async with asyncio.timeout(RECEIVE_IDLE_S):
                await self._filled.wait()
        except TimeoutError:
            # What a slow client has sent so far is handed on, so that it is not lost should the client go.
            pass
        finally:
            self._target = None
            if self._unread_bytes:
                self._http.flow.pause_reading()
        return self._filled_bytes

    # What asyncio calls.

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go."""
        if self._target is not None:
            return self._target[self._filled_bytes :]
        if not self._scratch:
            self._scratch = memoryview(bytearray(_SCRATCH_BYTES))
        return self._scratch[: self._unread_bytes]

    def buffer_updated(self, nbytes: int) -> None:
        """Count what came, and give the connection back when the body is over."""
        self._http._unset_keepalive_if_required()
        self._unread_bytes -= nbytes
        if self._target is not None:
            self._filled_bytes += nbytes
            if self._filled_bytes == len(self._target):
                self._target = None
                self._filled.set()
                if self._unread_bytes:
                    self._http.flow.pause_reading()
        elif not self._cycle.response_complete:
            # Somebody else resumed the reading. Once the answer is out, what still comes is dropped.
            self._early += self._scratch[:nbytes]
            self._http.flow.pause_reading()
        if not self._unread_bytes:
            self._give_back()

    def _give_back(self) -> None:
        # The old parser still waits for this body; a new one begins at the next request.
        parser = type(self._http.parser)(self._http)
        parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._http.parser = parser
        self._http.transport.set_protocol(self._http)
        self._cycle.more_body = False
        self._cycle.message_event.set()

    def eof_received(self) -> None:
        """Let the transport close: half a body is no body."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake the reader, and let HTTP clean up."""
        self._lost = True
        self._filled.set()
        self._http.connection_lost(exc)

    def pause_writing(self) -> None:
        """Pass on."""
        self._http.pause_writing()

    def resume_writing(self) -> None:
        """Pass on."""
        self._http.resume_writing()
