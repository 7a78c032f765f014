"""Logs on a page: the end of what there is, then what is added."""

from __future__ import annotations

import asyncio
import codecs
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import escape
from typing import Any

from starlette.responses import Response, StreamingResponse

from farm.protocol.errors import FarmError, Unauthorized
from orchestrator.api.held import STOPPING
from orchestrator.services import logs
from orchestrator.services.context import Context
from orchestrator.services.signals import EVENTS
from orchestrator.services.tokens import REVOKED

from .live import HEADERS, message, still_valid
from .routing import Visit

# More of it is read better in an editor.
KEPT_BYTES = 256 << 10
_PING_S = 15.0


@dataclass(frozen=True)
class ShownLog:
    """The end of a log.

    Attributes:
        skipped_bytes: What stands before it.
        next_offset: Where to go on, while it grows.
        ended: It grows no more.
    """

    attempt: str
    text: str
    skipped_bytes: int
    next_offset: int
    ended: bool


def shown_log(context: Context, attempt: str) -> ShownLog:
    """The end of the log of an attempt as far as it goes now. Raises: NotFound."""
    piece = logs.tail(context, attempt, KEPT_BYTES)
    whole, pending = _text(codecs.getincrementaldecoder("utf-8")("replace"), piece.data)
    return ShownLog(attempt, whole, piece.skipped_bytes, piece.next_offset - pending, piece.ended)


def follow_log(visit: Visit[Any], attempt: str, after: int) -> Response:
    """The log from an offset on as server-sent events, whose ids are offsets: a page that comes back misses nothing."""
    told = visit.request.headers.get("last-event-id", "")
    offset = int(told) if told.isascii() and told.isdigit() and len(told) < 19 else max(0, after)
    return StreamingResponse(_pieces(visit, attempt, offset), media_type="text/event-stream", headers=HEADERS)


async def _pieces(visit: Visit[Any], attempt: str, offset: int) -> AsyncIterator[str]:
    state, signals = visit.request.app.state, visit.context.signals
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    loop = asyncio.get_running_loop()
    with state.traffic.stream("log"), signals.watch(logs.topic(attempt), EVENTS, STOPPING, REVOKED) as watch:
        while not (state.stopping or await visit.request.is_disconnected()):
            try:
                await loop.run_in_executor(state.threads, still_valid, visit.request)
                piece = await loop.run_in_executor(state.threads, logs.read, visit.context, attempt, offset)
            except Unauthorized:
                yield message("", "signed-out")
                return
            except FarmError as error:
                yield message(error.message, "trouble")
                return
            offset = piece.next_offset
            if piece.data:
                text, pending = _text(decoder, piece.data)
                yield f"id: {offset - pending}\n{message(escape(text))}" if text else ""
            elif piece.ended:
                yield message("", "ended")
                return
            elif not await watch.wait(_PING_S):
                yield ": ping\n\n"


def _text(decoder: codecs.IncrementalDecoder, data: bytes) -> tuple[str, int]:
    """The characters that are whole, with the line ends of a page, and how many bytes wait for the rest of theirs."""
    text = decoder.decode(data).replace("\r\n", "\n").replace("\r", "\n")
    return text, len(decoder.getstate()[0])
