"""How the coordinator listens: one uvicorn process, with the short way for blobs and an end within seconds."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from farm import __version__
from farm.protocol.errors import Unavailable
from farm.protocol.version import VERSION_HEADER

from .wire import FarmHttpProtocol

# From SIGTERM: requests end by themselves, then their clients are taken for gone, at last they are cancelled.
_HANG_UP_S = 2.0
_CANCEL_S = 4
_BACKLOG = 2048
# Longer than the beat of a worker, so that each keeps its connection.
_KEEP_ALIVE_S = 65


def make_server_config(app: ASGIApp) -> uvicorn.Config:
    """How uvicorn runs an application of the farm. Logging is left as the process has set it up."""
    return uvicorn.Config(
        app,
        http=FarmHttpProtocol,
        loop="asyncio",  # uvloop, where somebody installed it, gains nothing here and has no sendfile
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        headers=[(VERSION_HEADER, __version__)],
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=_CANCEL_S,
    )


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 is any free one.

    Raises: Unavailable: the address is taken, or not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=_BACKLOG)
        # Inherited by each connection. asyncio sets it only on sockets whose protocol number is spelled out, and
        # without it every answer on a kept connection waits 40 ms for an acknowledgement.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listening
    except OSError as error:
        raise Unavailable(
            f"cannot listen on {host} port {port}: {error.strerror or error}", "Choose another with --host and --port."
        ) from error


def serve(
    app: ASGIApp,
    host: str = "127.0.0.1",
    port: int = 0,
    on_ready: Callable[[int], None] | None = None,
    on_stopping: Callable[[], None] | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT, and return within seconds of it; a second signal ends it at once.

    Args:
        app: What is served.
        host: A name or address of this machine.
        port: 0 is any free one.
        on_ready: Told the port once requests are answered.
        on_stopping: Called in the event loop when the end begins, so that streams and held-open calls end themselves;
            those that do not are disconnected after two seconds.

    Raises: Unavailable: cannot listen there.
    """
    with listen(host, port) as listening:
        FarmServer(make_server_config(app), on_ready, on_stopping).run(sockets=[listening])


class FarmServer(uvicorn.Server):
    """A server that says when it serves, ends in order, and leaves the exit code to its caller."""

    def __init__(
        self,
        config: uvicorn.Config,
        on_ready: Callable[[int], None] | None = None,
        on_stopping: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(config)
        self._on_ready = on_ready
        self._on_stopping = on_stopping

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End in order at the first signal, at once at the second. The signal is not raised again afterwards."""
        self.force_exit = self.should_exit
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to serve, and say so."""
        await super().startup(sockets)
        if self.started and self._on_ready:
            self._on_ready(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to serve, within `_CANCEL_S`."""
        if self._on_stopping:
            self._on_stopping()
        hanging_up = asyncio.get_running_loop().call_later(_HANG_UP_S, self._hang_up)
        try:
            await super().shutdown(sockets)
        finally:
            hanging_up.cancel()

    def _hang_up(self) -> None:
        for connection in list(self.server_state.connections):
            if isinstance(connection, FarmHttpProtocol):
                connection.hang_up()
