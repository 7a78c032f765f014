"""What a browser shows where something was refused or went wrong: a sentence, and what to do next."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from farm.protocol.errors import FarmError, Forbidden, NotFound, Unauthorized, Unavailable
from orchestrator.api.errors import status_of

from .rendering import page
from .wording import sentence

_TITLES: tuple[tuple[type[FarmError], str], ...] = (
    (Unauthorized, "Who are you?"),
    (Forbidden, "Not with this token"),
    (NotFound, "Nothing here"),
    (Unavailable, "Not now"),
)


def answer(request: Request, error: FarmError) -> Response:
    """An error as a page; as a part of the page that is open, where htmx asks."""
    if isinstance(error, Unauthorized):
        return _to_sign_in(request)
    status = status_of(error, request.method)
    title = next((title for kind, title in _TITLES if isinstance(error, kind)), "That did not work")
    template = "trouble_part.html" if request.headers.get("hx-request") == "true" else "trouble.html"
    return page(request, template, status, title=title, sentence=sentence(error.message), hint=error.hint)


def way_back(told: str) -> str:
    """The page of the farm to go to after signing in, or the first one: never another site."""
    parts = urlsplit(told)
    local = told.startswith("/") and not told.startswith(("//", "/\\")) and not parts.scheme and not parts.netloc
    return told if local and told.isprintable() and not told.startswith("/sign-") else "/"


def _to_sign_in(request: Request) -> Response:
    """To the form, and back to where the visitor was."""
    if request.headers.get("hx-request") == "true":
        open_page = urlsplit(request.headers.get("hx-current-url", ""))
        place = open_page.path + (f"?{open_page.query}" if open_page.query else "")
        return Response(status_code=401, headers={"HX-Redirect": _sign_in(place)})
    place = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(_sign_in(place if request.method == "GET" else "/"), 303)


def _sign_in(place: str) -> str:
    back = way_back(place)
    return "/sign-in" if back == "/" else f"/sign-in?next={quote(back, safe='')}"
