"""The ASGI application: every door of the coordinator, closed unless declared open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import cast

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from farm.protocol.errors import FarmError, Invalid, NotFound, ProtocolError
from orchestrator.services.caller import Caller
from orchestrator.services.context import Context
from orchestrator.services.monitor import Monitor
from orchestrator.services.tokens import Tokens

from .authentication import Authentication
from .blob_rights import BlobRights
from .blobs import blob_routes
from .errors import ErrorPage, failed, name_versions, note_refusal
from .held import STOPPING
from .incidents import Incidents
from .openapi import PREFIX, blob_paths, describe
from .routes import GROUPS
from .routing import Endpoint
from .system import system_routes
from .traffic import Timing, Traffic

# Fewer than the connections of the database: a service never waits for one.
_THREADS = 24


def make_app(context: Context, pages: Sequence[Route] = (), error_page: ErrorPage | None = None) -> Starlette:
    """The application over a context, which it does not close; with pages for browsers, and how they tell errors."""
    traffic = Traffic()
    app = Starlette(
        routes=[
            *(_route(endpoint) for group in GROUPS for endpoint in group.declared),
            *system_routes(describe(GROUPS, blob_paths())),
            *pages,
        ],
        # Starlette answers errors of routes inside of these, so that `Incidents` sees what nobody expected.
        middleware=[
            Middleware(Timing, traffic=traffic),
            Middleware(Incidents),
            Middleware(Authentication, identify=_identify(lambda: app)),
        ],
        exception_handlers={FarmError: _told, HTTPException: _nowhere},
        lifespan=_life,
    )
    app.state.context = context
    app.state.tokens = Tokens(context)
    app.state.monitor = Monitor(context)
    app.state.traffic = traffic
    app.state.error_page = error_page
    app.state.stopping = False
    return app


def stop_holding(app: Starlette) -> None:
    """End streams and held-open calls soon; for the moment at which the server begins to stop."""
    app.state.stopping = True
    app.state.context.signals.changed(STOPPING)


@asynccontextmanager
async def _life(app: Starlette) -> AsyncIterator[None]:
    rights = BlobRights(app)
    blobs = blob_routes(app.state.context.blobs, rights.authorize, rights.after_stored)
    placed = [_placed(cast(Route, route)) for route in blobs]
    with ThreadPoolExecutor(_THREADS, "service") as app.state.threads:
        app.router.routes.extend(placed)
        yield
        for route in placed:
            app.router.routes.remove(route)


def _placed(route: Route) -> Route:
    return Route(PREFIX + route.path, route.endpoint, methods=sorted(route.methods or ()))


def _route(endpoint: Endpoint) -> Route:
    async def answer(request: Request) -> Response:
        return await endpoint(request)

    route = Route(PREFIX + endpoint.path, answer, methods=[endpoint.method], name=endpoint.handler.__name__)
    route.methods = {endpoint.method}  # Starlette adds HEAD, which would run a stream for nothing
    return route


def _identify(app: Callable[[], Starlette]) -> Callable[[str], Awaitable[Caller]]:
    async def identify(secret: str) -> Caller:
        tokens: Tokens = app().state.tokens
        known = tokens.known(secret)
        if known is not None:
            return known
        return await asyncio.get_running_loop().run_in_executor(app().state.threads, tokens.identify, secret)

    return identify


async def _told(request: Request, error: Exception) -> Response:
    refused = cast(FarmError, error)
    note_refusal(request, refused)
    if isinstance(refused, ProtocolError):
        name_versions(request, refused)
    return failed(request, refused)


async def _nowhere(request: Request, error: Exception) -> Response:
    refused = cast(HTTPException, error)
    told: FarmError = Invalid(f"{request.method} {request.url.path[:200]}: {refused.detail}", "See docs/protocol.md.")
    if refused.status_code == 404:
        hint = f"Check the address; what the API has stands in {PREFIX}/openapi.json."
        told = NotFound(f"there is nothing at {request.url.path[:200]}", hint)
    note_refusal(request, told)
    name_versions(request, told)
    answer = failed(request, told)
    answer.status_code = refused.status_code
    answer.headers.update(refused.headers or {})
    return answer
