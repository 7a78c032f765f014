"""In with a token, and out again."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from farm.protocol.errors import FarmError
from orchestrator.api.authentication import COOKIE, log
from orchestrator.api.body import read_body

from . import troubles
from .rendering import page
from .security import FORM_FIELD, check_form
from .wording import sentence

_FORM_BYTES = 8192
_COOKIE_S = 30 * 24 * 3600


def sign_in_routes() -> list[Route]:
    """The public form, and the way out."""
    return [
        Route("/sign-in", _ask, methods=["GET"]),
        Route("/sign-in", _sign_in, methods=["POST"]),
        Route("/sign-out", _sign_out, methods=["POST"]),
    ]


async def _ask(request: Request) -> Response:
    return page(request, "sign_in.html", error="", next=troubles.way_back(request.query_params.get("next", "/")))


async def _sign_in(request: Request) -> Response:
    form = await _fields(request)
    secret, back = form.get("token", "").strip(), troubles.way_back(form.get("next", "/"))
    try:
        loop = asyncio.get_running_loop()
        caller = await loop.run_in_executor(request.app.state.threads, request.app.state.tokens.identify, secret)
    except FarmError as error:
        address = request.client.host if request.client else "unknown"
        log.warning("refused to sign in from %s: %s", address, error.message)
        told = f"{sentence(error.message)} {error.hint}"
        return page(request, "sign_in.html", 401, error=told, next=back)
    log.info("%s signed in", caller.name)
    answer = RedirectResponse(back, 303)
    answer.set_cookie(COOKIE, secret, _COOKIE_S, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return answer


async def _sign_out(request: Request) -> Response:
    try:
        check_form(request, (await _fields(request)).get(FORM_FIELD, ""))
    except FarmError as error:
        return troubles.answer(request, error)
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


async def _fields(request: Request) -> dict[str, str]:
    form = parse_qs((await read_body(request, _FORM_BYTES)).decode(errors="replace"))
    return {name: values[-1] for name, values in form.items()}
