"""In with a token, and out again."""

from __future__ import annotations

import asyncio
import time
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from farm.protocol.errors import FarmError, Unavailable
from orchestrator.api.authentication import COOKIE, Failures, check_origin, log
from orchestrator.api.body import read_body

from . import troubles
from .rendering import page
from .security import FORM_FIELD, check_form
from .wording import sentence

_FORM_BYTES = 8192
_COOKIE_S = 30 * 24 * 3600


def sign_in_routes() -> list[Route]:
    """The public form, and the way out."""
    door = Door()
    return [
        Route("/sign-in", door.ask, methods=["GET"]),
        Route("/sign-in", door.enter, methods=["POST"]),
        Route("/sign-out", door.leave, methods=["POST"]),
    ]


class Door:
    """Takes tokens from a form, and counts the wrong ones."""

    def __init__(self) -> None:
        self._failures = Failures(time.monotonic)

    async def ask(self, request: Request) -> Response:
        """The form."""
        return _form(request, 200, "", troubles.way_back(request.query_params.get("next", "/")))

    async def enter(self, request: Request) -> Response:
        """Take a token: a cookie and the page that was wanted, or the form again with what is wrong."""
        try:
            check_origin(request)
            form = await _fields(request)
        except FarmError as error:
            return troubles.answer(request, error)
        secret, back = form.get("token", "").strip(), troubles.way_back(form.get("next", "/"))
        try:
            loop = asyncio.get_running_loop()
            caller = await loop.run_in_executor(request.app.state.threads, request.app.state.tokens.identify, secret)
        except FarmError as error:
            return self._refused(request, error, back)
        log.info("%s signed in", caller.name)
        answer = RedirectResponse(back, 303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, secret, _COOKIE_S, httponly=True, samesite="strict", secure=secure)
        return answer

    async def leave(self, request: Request) -> Response:
        """Forget the cookie."""
        try:
            check_form(request, (await _fields(request)).get(FORM_FIELD, ""))
        except FarmError as error:
            return troubles.answer(request, error)
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
        return answer

    def _refused(self, request: Request, error: FarmError, back: str) -> Response:
        if isinstance(error, Unavailable):  # whether the token is right could not be looked up
            return troubles.answer(request, error)
        address = request.client.host if request.client else "unknown"
        if not self._failures.note(address):
            return _form(request, 429, "Too many wrong tokens came from your address. Wait a minute.", back)
        log.warning("refused to sign in from %s: %s", address, error.message)
        return _form(request, 401, f"{sentence(error.message)} {error.hint}", back)


def _form(request: Request, status: int, error: str, back: str) -> Response:
    return page(request, "sign_in.html", status, error=error, next=back)


async def _fields(request: Request) -> dict[str, str]:
    form = parse_qs((await read_body(request, _FORM_BYTES)).decode(errors="replace"))
    return {name: values[-1] for name, values in form.items()}
