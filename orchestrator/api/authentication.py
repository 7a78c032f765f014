"""Default deny: nothing but three paths and static files is reached without a valid token."""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from farm.protocol.errors import FarmError, Forbidden, Unauthorized, Unavailable
from orchestrator.services.caller import Caller

from .errors import failed

log = logging.getLogger("farm.api.auth")

COOKIE = "farm_token"
PUBLIC = frozenset({"/healthz", "/readyz", "/sign-in"})
STATIC = "/static/"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HOW = "Give a token by FARM_TOKEN, farm configure or Authorization: Bearer."

Identify = Callable[[str], Awaitable[Caller]]
"""Who holds this secret; raises Unauthorized with the reason."""


class Authentication:
    """ASGI middleware that puts a `Caller` into the request's state, or answers in the application's place."""

    def __init__(self, app: ASGIApp, identify: Identify, clock: Callable[[], float] = time.monotonic) -> None:
        self._app = app
        self._identify = identify
        self._failures = Failures(clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an identified request on."""
        if scope["type"] != "http" or scope["path"] in PUBLIC or scope["path"].startswith(STATIC):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            scope.setdefault("state", {})["caller"] = await self.caller_of(request)
        except FarmError as error:
            await self._refusal(request, error)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def caller_of(self, request: Request) -> Caller:
        """Who sent a request.

        Raises: Unauthorized, Forbidden
        """
        secret = secret_of(request)
        if not request.headers.get("authorization") and request.method not in _SAFE:
            check_origin(request)
        return await self._identify(secret)

    def _refusal(self, request: Request, error: FarmError) -> Response:
        address = request.client.host if request.client else "unknown"
        if isinstance(error, Unavailable):
            return failed(request, error)  # whether the token is right could not be looked up
        if not self._failures.note(address):
            too_many = Unauthorized("too many wrong tokens came from this address", "Wait a minute.")
            return JSONResponse(too_many.to_json(), 429, {"Retry-After": "60"})
        # The reason, never the secret: it may be a right one with a slip of the pen.
        log.warning("refused %s %s from %s: %s", request.method, request.url.path, address, error.message)
        return failed(request, error)


class Failures:
    """Counts refusals by address: after `limit` within a minute they are answered without a log line each."""

    def __init__(self, clock: Callable[[], float], limit: int = 60, addresses: int = 4096) -> None:
        self._clock = clock
        self._limit = limit
        self._addresses = addresses
        self._seen: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def note(self, address: str) -> bool:
        """Count one more; False when there were too many."""
        now = self._clock()
        since, count = self._seen.pop(address, (now, 0))
        if now - since >= 60.0:
            since, count = now, 0
        self._seen[address] = (since, count + 1)
        while len(self._seen) > self._addresses:
            self._seen.popitem(last=False)
        return count < self._limit


def secret_of(request: Request) -> str:
    """The secret that a request brings, by its header or a browser's cookie.

    Raises: Unauthorized
    """
    scheme, _, secret = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret:
        return secret.strip()
    if scheme:
        raise Unauthorized("the header Authorization is not `Bearer <token>`", _HOW)
    secret = request.cookies.get(COOKIE, "")
    if not secret:
        raise Unauthorized("this call needs a token", _HOW)
    return secret


def check_origin(request: Request) -> None:
    """Return if a browser asks for a page of the farm, not for one of another site.

    Raises: Forbidden
    """
    origin = request.headers.get("origin")
    site = request.headers.get("sec-fetch-site", "same-origin")
    ours = origin is None or origin.rpartition("//")[2] == request.headers.get("host")
    if site not in ("same-origin", "none") or not ours:
        raise Forbidden("another site asked your browser for this", "Ask from a page of the farm.")
