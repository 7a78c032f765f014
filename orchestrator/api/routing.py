"""Routes that cannot be declared without saying who may call them; each parses, calls one service and encodes."""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from farm.protocol.states import Scope
from orchestrator.services.caller import Caller
from orchestrator.services.context import Context
from orchestrator.services.races import settled
from orchestrator.services.tokens import Tokens

from .body import LIMIT_BYTES, check_text, decode, read_body
from .encoding import encode
from .query import NoQuery, from_query
from .scopes import ADMINS as ADMINS  # routes are declared with them
from .scopes import ANYBODY as ANYBODY
from .scopes import READERS as READERS
from .scopes import SUBMITTERS as SUBMITTERS
from .scopes import WORKERS as WORKERS
from .scopes import check_scope

B = TypeVar("B")
Q = TypeVar("Q")
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class ListOf:
    """An answer that is an object with one list."""

    field: str
    kind: type


@dataclass(frozen=True)
class Call(Generic[B, Q]):
    """One request, checked and parsed."""

    context: Context
    caller: Caller
    body: B
    query: Q
    path: dict[str, str]
    request: Request
    threads: ThreadPoolExecutor
    tokens: Tokens

    async def wait(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of a service that talks to the database, from one of the threads for that."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.threads, lambda: work(*args, **kwargs))


@dataclass(frozen=True)
class Endpoint:
    """A route as declared.

    Attributes:
        scopes: Who may call it besides administrators.
        body: The dataclass its body spells; `bytes` leaves the body to the handler, None takes none.
        answer: The dataclass it answers, a `ListOf`, None for nothing, or `Response` for what is no JSON.
        limit_bytes: The longest body.
    """

    method: str
    path: str
    scopes: frozenset[Scope]
    handler: Callable[[Any], Any]
    body: type | None = None
    query: type = NoQuery
    answer: type | ListOf | None = None
    status: int = 200
    limit_bytes: int = LIMIT_BYTES

    @property
    def summary(self) -> str:
        """What it does, as the first line of its handler says it: a thing that a GET shows, or a deed."""
        return (self.handler.__doc__ or "").strip().split("\n")[0].rstrip(".")

    @property
    def deed(self) -> str:
        """What a caller does with it, to stand behind `may not`: `submit a model for its targets`."""
        told = re.split("[,;:]", self.summary)[0]
        return f"{'see ' if self.method == 'GET' else ''}{told[:1].lower()}{told[1:]}"

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        app = request.app
        caller: Caller = request.state.caller
        check_scope(caller, self.scopes, self.deed)
        raw = await read_body(request, self.limit_bytes) if self.body is not bytes else b""
        call: Call[Any, Any] = Call(
            context=app.state.context,
            caller=caller,
            body=decode(self.body, raw) if self.body not in (None, bytes) else None,
            query=from_query(self.query, request.query_params.multi_items()),
            path={name: check_text(str(text), name) for name, text in request.path_params.items()},
            request=request,
            threads=app.state.threads,
            tokens=app.state.tokens,
        )
        if inspect.iscoroutinefunction(self.handler):
            return self.encoded(await self.handler(call))
        return await call.wait(self._answered, call)

    def _answered(self, call: Call[Any, Any]) -> Response:
        # Encoded by the same thread: a long list would hold up every other call.
        return self.encoded(settled(self.handler, call))

    def encoded(self, value: Any) -> Response:
        """The answer that carries a value."""
        if isinstance(value, Response):
            return value
        if value is None:
            return Response(status_code=204)
        if isinstance(self.answer, ListOf):
            value = {self.answer.field: value}
        return Response(encode(value), self.status, media_type="application/json")


class Endpoints:
    """A list of endpoints that grows by decorating handlers."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.declared: list[Endpoint] = []

    def route(
        self, method: str, path: str, scopes: frozenset[Scope], **options: Any
    ) -> Callable[[Callable[[Any], Any]], Callable[[Any], Any]]:
        """Declare the handler of a method and path; `options` are the fields of `Endpoint`."""

        def declare(handler: Callable[[Any], Any]) -> Callable[[Any], Any]:
            self.declared.append(Endpoint(method, path, scopes, handler, **options))
            return handler

        return declare
