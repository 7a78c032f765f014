"""Is it alive, does it serve, what does it count, what does it offer."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from farm import __version__
from farm.protocol.errors import FarmError
from orchestrator.services import health

from .metrics import exposition
from .openapi import PREFIX


def system_routes(openapi: dict[str, Any]) -> list[Route]:
    """The routes beside the API; the first two are public."""

    async def document(request: Request) -> Response:
        return JSONResponse(openapi)

    return [
        Route("/healthz", _alive),
        Route("/readyz", _ready),
        Route("/metrics", _metrics),
        Route(f"{PREFIX}/openapi.json", document),
    ]


async def _alive(request: Request) -> Response:
    return JSONResponse({"status": "ok", "version": __version__})


async def _ready(request: Request) -> Response:
    state = request.app.state
    loop = asyncio.get_running_loop()
    try:
        await loop.run_in_executor(state.threads, health.check, state.context)
    except FarmError as error:
        return JSONResponse({"status": "unavailable", "reason": error.message}, 503)
    # A broker that is down makes the farm slower, not unready: workers poll.
    return JSONResponse({"status": "ok", "broker": "ok" if state.context.wakeups.healthy() else "down"})


async def _metrics(request: Request) -> Response:
    state = request.app.state
    text, media_type = await asyncio.get_running_loop().run_in_executor(
        state.threads, exposition, state.monitor, state.traffic
    )
    return Response(text, media_type=media_type)
