"""Counts requests by what they asked for, not by who or for which: a few hundred series however busy the farm is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from prometheus_client import Gauge, Histogram
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOWHERE = "none"
_OTHER = "other"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# Up to the longest time for which a call is held open.
_BUCKETS_S = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

_Series = tuple[str, str, str]


class Traffic:
    """What one application counted about its answers.

    Attributes:
        answers: Seconds from a request to the beginning of its answer.
        streams: Answers that go on and are open now.
    """

    def __init__(self) -> None:
        self.answers = Histogram(
            "farm_http_request_duration_seconds",
            "Time from a request to the beginning of its answer; calls that are held open on purpose included.",
            ["method", "route", "status"],
            buckets=_BUCKETS_S,
            registry=None,
        )
        self.streams = Gauge("farm_streams_open", "Open event streams, logs and pages.", ["kind"], registry=None)
        for kind in ("events", "log", "page"):
            self.streams.labels(kind)
        self._known: dict[_Series, Callable[[float], None]] = {}

    def answered(self, method: str, route: str, status: str, seconds: float) -> None:
        """Count one answer."""
        series = (method, route, status)
        observe = self._known.get(series)
        if observe is None:
            observe = self._known[series] = self.answers.labels(*series).observe
        observe(seconds)

    @contextmanager
    def stream(self, kind: str) -> Iterator[None]:
        """Count one more open stream while the block lasts."""
        gauge = self.streams.labels(kind)
        gauge.inc()
        try:
            yield
        finally:
            gauge.dec()


class Timing:
    """ASGI middleware that tells `Traffic` about each answer, whoever gives it."""

    def __init__(self, app: ASGIApp, traffic: Traffic) -> None:
        self._app = app
        self._traffic = traffic
        self._paths: dict[object, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and time it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began_s = time.perf_counter()

        async def timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                method = scope["method"] if scope["method"] in _METHODS else _OTHER
                status = f"{message['status'] // 100}xx"
                self._traffic.answered(method, self._route_of(scope), status, time.perf_counter() - began_s)
            await send(message)

        await self._app(scope, receive, timed)

    def _route_of(self, scope: Scope) -> str:
        """The template of the path: a path itself may be anything, and anybody may ask for it."""
        endpoint = scope.get("endpoint")
        if endpoint is None:
            return NOWHERE
        if endpoint not in self._paths:
            # Some routes come with the event loop, so that they are looked up when they are met.
            self._paths = {route.endpoint: route.path for route in scope["app"].routes if isinstance(route, Route)}
        return self._paths.get(endpoint, NOWHERE)
