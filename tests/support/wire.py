"""A network between two ends that a test can cut, silence and make brittle."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_CHUNK_BYTES = 16 << 10
# Closing says RST, as a broken network may, not FIN.
_RESET = struct.pack("ii", 1, 0)


class Wire:
    """Carries connections to a port of this machine.

    Attributes:
        port: Where it listens.
        carried: Connections so far.
        broken: Of these, how many it reset.
    """

    def __init__(self, to_port: int) -> None:
        self.carried = self.broken = 0
        self._to_port = to_port
        self._open: set[asyncio.StreamWriter] = set()
        self._down = False
        self._least_bytes: int | None = None
        self._heard = asyncio.Event()
        self._heard.set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="wire")
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(10)
        self.port: int = self._server.sockets[0].getsockname()[1]

    def cut(self) -> None:
        """Reset every connection, and each new one at once."""
        self._loop.call_soon_threadsafe(self._cut)

    def silence(self) -> None:
        """Carry nothing any more, and say nothing of it."""
        self._loop.call_soon_threadsafe(self._heard.clear)

    def break_after(self, size_bytes: int | None) -> None:
        """Reset each connection once it has carried so much towards one end; None carries all."""
        self._least_bytes = size_bytes

    def mend(self) -> None:
        """Carry all again."""
        self._down = False
        self._loop.call_soon_threadsafe(self._heard.set)

    def close(self) -> None:
        """Cut it for good."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._carry, "127.0.0.1", 0)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.carried += 1
        self._open.add(writer)
        try:
            if self._down:
                return
            there, back = await asyncio.open_connection("127.0.0.1", self._to_port)
            self._open.add(back)
            try:
                await asyncio.wait(
                    [
                        asyncio.ensure_future(self._flow(reader, back)),
                        asyncio.ensure_future(self._flow(there, writer)),
                    ],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            finally:
                self._hang_up(back)
        except ConnectionError:
            return
        finally:
            self._hang_up(writer)

    async def _flow(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carried = 0
        with suppress(ConnectionError):
            while data := await reader.read(_CHUNK_BYTES):
                await self._heard.wait()
                carried += len(data)
                if self._least_bytes is not None and carried > self._least_bytes:
                    self._break(writer)
                    return
                writer.write(data)
                await writer.drain()

    def _cut(self) -> None:
        self._down = True
        for writer in list(self._open):
            self._break(writer)

    def _break(self, writer: asyncio.StreamWriter) -> None:
        if writer.is_closing():
            return
        self.broken += 1
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        writer.transport.abort()

    def _hang_up(self, writer: asyncio.StreamWriter) -> None:
        self._open.discard(writer)
        if self._down:
            self._break(writer)
        writer.close()

    async def _close(self) -> None:
        self._server.close()
        self._cut()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)


@contextmanager
def wire(to_port: int) -> Iterator[Wire]:
    """A wire until the end of the block."""
    made = Wire(to_port)
    try:
        yield made
    finally:
        made.close()
