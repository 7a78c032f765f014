"""Parts of pages that stay true: server-sent events, each of them the part as it is now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from farm.protocol.errors import FarmError, Unauthorized
from orchestrator.api.authentication import secret_of
from orchestrator.api.held import STOPPING
from orchestrator.services.races import settled
from orchestrator.services.signals import EVENTS
from orchestrator.services.tokens import REVOKED

from .routing import Visit

# What moves within it is told at once, so that a burst of events is one rendering; a part that takes long is
# rendered the less often, so that a busy farm with many visitors has its processors for other things.
_CALM_S = 0.5
_CALMEST_S = 2.0
_CALM_BY_WORK = 20.0
# Heartbeats and samples are no events: they are looked at so often.
_LOOK_S = 5.0
_PING_S = 15.0
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

Render = Callable[[Visit[Any]], str]


@dataclass(frozen=True)
class Live:
    """A stream of one part of a page.

    Attributes:
        render: The part as it is now.
        topics: The signals after which it may be another one.
    """

    visit: Visit[Any]
    render: Render
    topics: tuple[str, ...] = (EVENTS,)

    def response(self) -> Response:
        """The stream. It ends with the coordinator, when the visitor leaves or hides the page, and with the token."""
        return StreamingResponse(self._messages(), media_type="text/event-stream", headers=HEADERS)

    async def _messages(self) -> AsyncIterator[str]:
        state = self.visit.request.app.state
        sent, silent_s = "", 0.0
        opened = state.traffic.stream("page")
        with opened, self.visit.context.signals.watch(*self.topics, STOPPING, REVOKED) as watch:
            yield "retry: 1000\n\n"
            # A server notices that somebody left when it sends them something.
            while not (state.stopping or await self.visit.request.is_disconnected()):
                began_s = time.monotonic()
                try:
                    await self._in_thread(still_valid, self.visit.request)
                    part = await self._in_thread(settled, self.render, self.visit)
                except Unauthorized:
                    yield message("", "signed-out")
                    return
                except FarmError as error:
                    yield message(error.message, "trouble")
                    return
                if part != sent:
                    sent, silent_s = part, 0.0
                    yield message(part)
                elif silent_s >= _PING_S:
                    silent_s = 0.0
                    yield ": ping\n\n"
                took_s = time.monotonic() - began_s
                await asyncio.sleep(min(max(_CALM_S, took_s * _CALM_BY_WORK), _CALMEST_S))
                await watch.wait(_LOOK_S)
                silent_s += _LOOK_S

    async def _in_thread(self, work: Callable[..., Any], *args: Any) -> Any:
        threads = self.visit.request.app.state.threads
        return await asyncio.get_running_loop().run_in_executor(threads, work, *args)


def message(data: str, event: str = "") -> str:
    """One server-sent event; without a name its data is the part."""
    lines = "".join(f"data: {line}\n" for line in data.split("\n"))
    return f"event: {event}\n{lines}\n" if event else f"{lines}\n"


def still_valid(request: Request) -> None:
    """Return if the token of a stream that was opened is valid yet.

    Raises: Unauthorized
    """
    tokens, secret = request.app.state.tokens, secret_of(request)
    if tokens.known(secret) is None:
        tokens.identify(secret)
