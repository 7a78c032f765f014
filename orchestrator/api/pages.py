"""Pages for a browser: sign in, and what the farm does."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from farm.protocol.errors import FarmError
from orchestrator.services import overview

from .authentication import COOKIE, log
from .body import read_body

_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=select_autoescape(), auto_reload=False
)
_FORM_BYTES = 4096
_COOKIE_S = 30 * 24 * 3600


def page_routes() -> list[Route]:
    """The sign-in page, which is public, and the home page."""
    return [
        Route("/", _home),
        Route("/sign-in", _ask, methods=["GET"]),
        Route("/sign-in", _sign_in, methods=["POST"]),
        Route("/sign-out", _sign_out, methods=["POST"]),
    ]


def page(name: str, status: int = 200, **values: Any) -> Response:
    """A template as an answer, with a policy that lets it load nothing and run only its own script."""
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    headers = {
        "Content-Security-Policy": policy,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return HTMLResponse(_TEMPLATES.get_template(name).render(nonce=nonce, **values), status, headers)


async def _ask(request: Request) -> Response:
    return page("sign_in.html", error="")


async def _sign_in(request: Request) -> Response:
    form = parse_qs((await read_body(request, _FORM_BYTES)).decode(errors="replace"))
    secret = form.get("token", [""])[0].strip()
    try:
        loop = asyncio.get_running_loop()
        caller = await loop.run_in_executor(request.app.state.threads, request.app.state.tokens.identify, secret)
    except FarmError as error:
        address = request.client.host if request.client else "unknown"
        log.warning("refused to sign in from %s: %s", address, error.message)
        return page("sign_in.html", 401, error=f"{error.message[:1].upper()}{error.message[1:]}.")
    log.info("%s signed in", caller.name)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(COOKIE, secret, _COOKIE_S, httponly=True, samesite="strict", secure=request.url.scheme == "https")
    return answer


async def _sign_out(request: Request) -> Response:
    answer = RedirectResponse("/sign-in", 303)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


async def _home(request: Request) -> Response:
    state = request.app.state

    def make() -> Response:
        return page("home.html", caller=request.state.caller, tables=overview.tables(state.context))

    return await asyncio.get_running_loop().run_in_executor(state.threads, make)
