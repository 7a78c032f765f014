"""Calls that stay open until there is something to say, without a thread each."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from starlette.requests import Request

from orchestrator.services.signals import Signals

T = TypeVar("T")

STOPPING = "stopping"
LONGEST_S = 60.0
# A client that left is noticed this late; it costs a look and nothing else.
_LOOK_AGAIN_S = 15.0


async def hold(
    request: Request, signals: Signals, topics: tuple[str, ...], wait_s: float, look: Callable[[], Awaitable[T | None]]
) -> T | None:
    """What `look` finds: at once, or as soon as a topic moved and there is something; None when the time is over.

    Ends early, with None, when the coordinator stops or the client left.
    """
    until = time.monotonic() + min(max(wait_s, 0.0), LONGEST_S)
    with signals.watch(STOPPING, *topics) as watch:
        while True:
            found = await look()
            left_s = until - time.monotonic()
            if found is not None or left_s <= 0 or request.app.state.stopping:
                return found
            await watch.wait(min(left_s, _LOOK_AGAIN_S))
            # Work that is found for a client that left would be nobody's until its lease runs out.
            if await request.is_disconnected():
                return None
