"""A request body on its way into the store, in constant memory and without holding up the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request
from starlette.types import Receive

from farm.protocol.errors import Invalid

from .blobs_door import BlobDoor
from .wire import DIRECT
from .wire_body import BodyTorn

_FIRST_BATCH_BYTES = 256 << 10
# Measured: below 2 MiB the hand-over between threads is felt, above 4 MiB nothing more is gained.
_BATCH_BYTES = 4 << 20


class Body(Protocol):
    """A request body of known length."""

    left_bytes: int

    async def readinto(self, view: memoryview) -> int:
        """Fill `view` and return how much came: less only at the end. Raises: BodyTorn."""


def body_of(request: Request) -> Body:
    """The body of a request, by the short way where the server offers one.

    Raises: Invalid: its length was not announced.
    """
    direct = request.scope.get("extensions", {}).get(DIRECT)
    if direct is not None and direct.body is not None:
        body: Body = direct.body
        return body
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise Invalid("the length of the body is not announced", "Send Content-Length, not a chunked body.")
    return _AsgiBody(request.receive, int(length))


async def receive(door: BlobDoor, body: Body, append: Callable[[memoryview], int]) -> None:
    """Append a body: while one batch is hashed and written in a thread, the next is received.

    Raises: BodyTorn: the client left before the end; what came has been appended. Also what `append` raises.
    """
    loop = asyncio.get_running_loop()
    storing: asyncio.Future[int] | None = None
    batch, other = memoryview(b""), memoryview(b"")
    want = _FIRST_BATCH_BYTES
    async with door.transfers:
        try:
            while body.left_bytes:
                if len(batch) < want:
                    batch = memoryview(bytearray(want))
                count = await body.readinto(batch)
                if storing is not None:
                    await storing
                storing = loop.run_in_executor(door.threads, append, batch[:count])
                if count == len(batch):
                    want = min(2 * want, _BATCH_BYTES)
                batch, other = other, batch
        finally:
            if storing is not None:
                await storing


class _AsgiBody:
    """A body from plain ASGI events, for servers without the short way."""

    def __init__(self, receive: Receive, length_bytes: int) -> None:
        self.left_bytes = length_bytes
        self._receive = receive
        self._piece = memoryview(b"")
        self._ended = False

    async def readinto(self, view: memoryview) -> int:
        count = 0
        view = view[: self.left_bytes]
        while count < len(view) and await self._has_piece():
            fits = min(len(self._piece), len(view) - count)
            view[count : count + fits] = self._piece[:fits]
            self._piece = self._piece[fits:]
            count += fits
        if view and not count:
            raise BodyTorn(f"the client left {self.left_bytes} bytes unsent")
        self.left_bytes -= count
        return count

    async def _has_piece(self) -> bool:
        while not self._piece and not self._ended:
            event = await self._receive()
            self._piece = memoryview(event.get("body", b""))
            self._ended = event["type"] == "http.disconnect" or not event.get("more_body", False)
        return bool(self._piece)
