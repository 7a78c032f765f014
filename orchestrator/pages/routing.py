"""Pages that cannot be declared without saying who may see them; each parses, calls services and renders."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from farm.protocol.errors import FarmError, Invalid
from farm.protocol.states import Scope
from orchestrator.api.body import check_text, read_body
from orchestrator.api.errors import note_refusal
from orchestrator.api.query import NoQuery, from_query
from orchestrator.api.scopes import check_scope
from orchestrator.services.caller import Caller
from orchestrator.services.context import Context
from orchestrator.services.races import settled
from orchestrator.services.tokens import Tokens

from . import troubles
from .rendering import page, rendered
from .security import FORM_FIELD, check_form

Q = TypeVar("Q")

_FORM_BYTES = 64 << 10


@dataclass(frozen=True)
class Visit(Generic[Q]):
    """One request of a browser, checked and parsed.

    Attributes:
        form: The fields of a form, the last of each name; empty for a page that is only looked at.
    """

    context: Context
    caller: Caller
    tokens: Tokens
    query: Q
    path: dict[str, str]
    form: dict[str, str]
    request: Request

    @property
    def by_script(self) -> bool:
        """True when htmx asks, which puts the answer into the page that is open."""
        return self.request.headers.get("hx-request") == "true"

    def page(self, template: str, **values: Any) -> Response:
        """A template as the answer."""
        return page(self.request, template, **values)

    def fragment(self, template: str, **values: Any) -> str:
        """A template as text: for a part of a page."""
        return rendered(self.request, template, **values)

    def done(self, said: str, back: str) -> Response:
        """The answer to a form: what came of it, told in the open page; without scripts, the page to go back to."""
        return self.page("told.html", said=said) if self.by_script else RedirectResponse(back, 303)

    def moved(self, place: str) -> Response:
        """The answer to a form that leads to another page."""
        return (
            Response(status_code=204, headers={"HX-Redirect": place})
            if self.by_script
            else RedirectResponse(place, 303)
        )


Handler = Callable[[Visit[Any]], Response]


@dataclass(frozen=True)
class Page:
    """A page as declared.

    Attributes:
        scopes: Who may see it, or do it, besides administrators.
        query: The dataclass that its query string spells.
    """

    method: str
    path: str
    scopes: frozenset[Scope]
    handler: Handler
    query: type = NoQuery

    @property
    def deed(self) -> str:
        """What somebody does with it, to stand behind `may not`."""
        told = (self.handler.__doc__ or "").strip().split("\n")[0].rstrip(".")
        return f"{'see ' if self.method == 'GET' else ''}{told[:1].lower()}{told[1:]}"

    async def __call__(self, request: Request) -> Response:
        """Answer one request; what is refused is a page too."""
        try:
            visit = await self.visit(request)
            threads = request.app.state.threads
            return await asyncio.get_running_loop().run_in_executor(threads, settled, self.handler, visit)
        except FarmError as error:
            note_refusal(request, error)
            return troubles.answer(request, error)

    async def visit(self, request: Request) -> Visit[Any]:
        """The request, checked and parsed.

        Raises: Forbidden, Invalid, ProtocolError
        """
        state, caller = request.app.state, request.state.caller
        check_scope(caller, self.scopes, self.deed)
        form = await _form(request) if self.method == "POST" else {}
        return Visit(
            context=state.context,
            caller=caller,
            tokens=state.tokens,
            query=from_query(self.query, ((name, text) for name, text in request.query_params.multi_items() if text)),
            path={name: check_text(str(text), name) for name, text in request.path_params.items()},
            form=form,
            request=request,
        )

    def route(self) -> Route:
        """As Starlette serves it."""

        async def answer(request: Request) -> Response:
            return await self(request)

        made = Route(self.path, answer, methods=[self.method])
        made.methods = {self.method}
        return made


class Pages:
    """A list of pages that grows by decorating handlers. The first line of a handler's docstring says what it shows."""

    def __init__(self) -> None:
        self.routes: list[Route] = []

    def get(self, path: str, scopes: frozenset[Scope], query: type = NoQuery) -> Callable[[Handler], Handler]:
        """Declare a page. An empty parameter is one that was not given: forms send them."""
        return self._declared("GET", path, scopes, query)

    def post(self, path: str, scopes: frozenset[Scope]) -> Callable[[Handler], Handler]:
        """Declare what a form does; it is run only for a form of the session that sends it."""
        return self._declared("POST", path, scopes, NoQuery)

    def _declared(self, method: str, path: str, scopes: frozenset[Scope], query: type) -> Callable[[Handler], Handler]:
        def declare(handler: Handler) -> Handler:
            self.routes.append(Page(method, path, scopes, handler, query).route())
            return handler

        return declare


async def _form(request: Request) -> dict[str, str]:
    raw = await read_body(request, _FORM_BYTES)
    try:
        fields = parse_qsl(raw.decode(), keep_blank_values=True, errors="strict", max_num_fields=200)
    except (ValueError, UnicodeDecodeError) as error:
        raise Invalid("the form cannot be read", "Load the page again, then repeat what you did.") from error
    form = {name: check_text(text, name) for name, text in fields}
    check_form(request, form.pop(FORM_FIELD, ""))
    return form
