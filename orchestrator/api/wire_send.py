"""Files sent from the disk straight into a connection, without a copy and without holding up the event loop."""

from __future__ import annotations

import asyncio
import fcntl
import os
import struct
import termios
from collections.abc import Callable
from typing import BinaryIO

# A reader that takes nothing for so long is gone; one that takes little is served for as long as it likes.
SEND_IDLE_S = 60.0
_PIECE_BYTES = 16 << 20
_READ_BYTES = 1 << 20


class FileSender:
    """Sends files over the connection of a transport, by a second descriptor of its socket.

    asyncio has a sendfile of its own. It does not tell how far it has come, so that a slow reader cannot be told from
    a dead one; it is not woken when its own side closes; and it costs the server twice the processor time.

    Args:
        transport: Whose connection; not encrypted.
        is_gone: True once the client has left or is to be left.
    """

    def __init__(self, transport: asyncio.Transport, is_gone: Callable[[], bool]) -> None:
        self._transport = transport
        self._is_gone = is_gone
        self._push: _Push | None = None

    def wake(self) -> None:
        """Let a sender that waits for the client see that it is gone."""
        if self._push is not None:
            self._push.end()

    async def send(self, file: BinaryIO, start: int, end: int) -> None:
        """Send these bytes, or return early when the client is gone.

        Raises:
            ConnectionError: The client closed the connection.
            TimeoutError: It took nothing for `SEND_IDLE_S`.
            OSError: The file is shorter than `end`.
        """
        connection = os.dup(self._transport.get_extra_info("socket").fileno())
        try:
            while start < end and not self._is_gone():
                count = min(_PIECE_BYTES, end - start)
                if not _in_memory(file, start, count):
                    await asyncio.to_thread(_bring_to_memory, file, start, count)
                self._push = _Push(self._transport, connection, file, start, start + count)
                await self._push.done
                start += count
        finally:
            self._push = None
            os.close(connection)


class _Push:
    """One piece on its way: sent by callbacks, since a task that wakes for each bit is what costs most."""

    def __init__(self, transport: asyncio.Transport, connection: int, file: BinaryIO, start: int, end: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._connection = connection
        self._file = file.fileno()
        self._start = start
        self._end = end
        self._taken = -1
        self.done: asyncio.Future[None] = self._loop.create_future()
        self.done.add_done_callback(self._leave)
        self._loop.add_writer(connection, self._send)
        self._watch()

    def end(self, error: BaseException | None = None) -> None:
        """Wake whoever waits for `done`."""
        if self.done.done():
            return
        if error is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(error)

    def _send(self) -> None:
        if self._transport.get_write_buffer_size():
            return  # what the transport has not sent yet comes first
        try:
            sent = os.sendfile(self._connection, self._file, self._start, self._end - self._start)
        except BlockingIOError:
            return
        except OSError as error:
            self.end(error)
            return
        self._start += sent
        if not sent:
            self.end(OSError("a blob is shorter than when it was opened"))
        elif self._start == self._end:
            self.end()

    def _watch(self) -> None:
        queued = fcntl.ioctl(self._connection, termios.TIOCOUTQ, bytes(4))
        taken = self._start - struct.unpack("i", queued)[0]
        if taken == self._taken:
            self.end(TimeoutError("the client takes nothing any more"))
            return
        self._taken = taken
        self._watching = self._loop.call_later(SEND_IDLE_S, self._watch)

    def _leave(self, done: asyncio.Future[None]) -> None:
        self._watching.cancel()
        self._loop.remove_writer(self._connection)


def _in_memory(file: BinaryIO, start: int, count: int) -> bool:
    """True when a sendfile of these bytes should not wait for the disk, and the event loop with it."""
    byte = bytearray(1)
    try:
        # The cache grows in long runs, so that both ends tell of what lies between.
        for offset in (start, start + count - 1):
            os.preadv(file.fileno(), [byte], offset, os.RWF_NOWAIT)
    except BlockingIOError:
        return False
    except OSError:  # a file system that cannot tell
        return True
    return True


def _bring_to_memory(file: BinaryIO, start: int, count: int) -> None:
    # The disk goes on with the next bytes while these are sent.
    os.posix_fadvise(file.fileno(), start, 2 * count, os.POSIX_FADV_WILLNEED)
    piece = bytearray(_READ_BYTES)
    for offset in range(start, start + count, _READ_BYTES):
        os.preadv(file.fileno(), [piece], offset)
