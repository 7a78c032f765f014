"""A process that serves blobs and nothing else: `python -m tests.orchestrator.api.blob_server ROOT [--plain]`.

The header `Farm-Test-Caller` says who asks: nobody without it, `reader` may only read. With `--plain` it listens as a
stock uvicorn does, so that the routes are tried without the short way of `orchestrator.api.wire`.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route

from farm.protocol.errors import Forbidden, Unauthorized
from orchestrator.api.blobs import blob_routes
from orchestrator.api.blobs_door import BlobAction
from orchestrator.api.server import FarmServer, listen, make_server_config, serve
from orchestrator.blobs.disk import DiskStore

CALLER = "Farm-Test-Caller"


async def authorize(request: Request, action: BlobAction, sha256: str | None) -> str:
    caller = request.headers.get(CALLER)
    if not caller:
        raise Unauthorized("who are you", f"Send {CALLER}.")
    if caller == "reader" and action is BlobAction.WRITE:
        raise Forbidden("a reader may not write")
    return caller


def application(root: Path, stopping: asyncio.Event) -> Starlette:
    stored: list[tuple[str, int]] = []

    async def after_stored(sha256: str, size_bytes: int) -> None:
        stored.append((sha256, size_bytes))

    async def told(request: Request) -> Response:
        """The blobs that services were told of, oldest first."""
        return JSONResponse(stored)

    async def echo(request: Request) -> Response:
        """The length of a body read in the ordinary way."""
        return JSONResponse({"bytes": len(await request.body()), "pid": os.getpid()})

    async def stream(request: Request) -> Response:
        """Events without end, as a dashboard has them open; they do not know that the server stops."""

        async def events() -> AsyncIterator[bytes]:
            while True:
                yield b": ping\n\n"
                await asyncio.sleep(0.05)

        return StreamingResponse(events(), media_type="text/event-stream")

    async def hold(request: Request) -> Response:
        """A held-open call, which ends when the server stops."""
        await stopping.wait()
        return JSONResponse({"stopping": True})

    routes = blob_routes(DiskStore(root, reserve_bytes=0), authorize, after_stored)
    return Starlette(
        routes=[
            Mount("/api/v1", routes=routes),
            Route("/told", told),
            Route("/echo", echo, methods=["POST"]),
            Route("/stream", stream),
            Route("/hold", hold),
        ]
    )


def main(root: Path, plain: bool) -> None:
    stopping = asyncio.Event()
    app = application(root, stopping)

    def ready(port: int) -> None:
        print(json.dumps({"port": port}), flush=True)  # noqa: T201  # read by the test

    if not plain:
        serve(app, on_ready=ready, on_stopping=stopping.set)
        return
    listening = listen("127.0.0.1", 0)
    config = make_server_config(app)
    config.http = "httptools"
    FarmServer(config, ready, stopping.set).run(sockets=[listening])


if __name__ == "__main__":
    main(Path(sys.argv[1]), "--plain" in sys.argv)
