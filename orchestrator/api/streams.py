"""Answers that go on: server-sent events, and logs that grow."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from farm.protocol.codec import dumps
from farm.protocol.errors import Invalid
from farm.protocol.views import Event
from orchestrator.services import events, logs, progress
from orchestrator.services.signals import EVENTS

from .asks import EventsQuery, LogQuery
from .held import STOPPING
from .routing import Call

# Proxies close a silent connection, and a client notices a dead one by the lack of pings.
PING_S = 15.0
_LARGEST = 2**63 - 1
_STREAM_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
# A cut is told to people; a program sees it by the offsets.
_CUT = "\n[{} bytes of the log were not kept]\n"


async def event_stream(call: Call[None, EventsQuery]) -> Response:
    """Events as they become visible.

    Nothing is queued for a client: each is read from the table when the client takes it, so that a slow one costs
    nothing, and one that comes back after a restart goes on behind the last event it saw. Between them, without an
    id, comes how far running builds are, of which only the newest word of each is told.
    """
    seen = _resume_at(call)
    if seen is None:
        seen = await call.wait(events.newest_id, call.context)
    return StreamingResponse(_events(call, seen), media_type="text/event-stream", headers=_STREAM_HEADERS)


async def _events(call: Call[None, EventsQuery], seen: int) -> AsyncIterator[str]:
    yield "retry: 500\n\n"
    opened = call.request.app.state.traffic.stream("events")
    wanted = (call.query.submission, call.query.build)
    board, told = call.context.progress, call.context.progress.newest
    with opened, call.context.signals.watch(EVENTS, STOPPING, progress.topic(*wanted)) as watch:
        while not call.request.app.state.stopping:
            found = await call.wait(events.after, call.context, seen, *wanted)
            for event in found:
                seen = event.id
                yield _message(event, f"id: {event.id}\n")
            further = board.after(told, *wanted)
            for word in further:
                told = max(told, word.number)
                yield _message(progress.event(word, seen))
            if not (found or further) and not await watch.wait(PING_S):
                yield ": ping\n\n"


def _message(event: Event, place: str = "") -> str:
    return f"{place}event: {event.kind}\ndata: {dumps(event)}\n\n"


def _resume_at(call: Call[None, EventsQuery]) -> int | None:
    told = call.request.headers.get("last-event-id")
    if told is None:
        after = call.query.after
    elif told.isascii() and told.isdigit() and len(told) < 19:
        after = int(told)
    else:
        raise Invalid(f"Last-Event-ID {told[:40]!r} is not the id of an event", "Leave it out to begin now.")
    if after is not None and not 0 <= after <= _LARGEST:
        raise Invalid(f"{after} is not the id of an event", "Leave ?after out to begin now.")
    return after


async def log_stream(call: Call[None, LogQuery], build: str | None, preparation: str | None) -> Response:
    """A log from an offset, to its end or as it grows."""
    if call.query.offset < 0:
        raise Invalid("?offset cannot be negative")
    attempt = await call.wait(logs.attempt_of, call.context, build, preparation, call.query.attempt)
    if attempt is None:
        return Response(b"", media_type="text/plain; charset=utf-8", headers={"Farm-Log-Offset": "0"})
    if call.query.follow:
        pieces = _log(call, attempt)
        return StreamingResponse(pieces, media_type="text/plain; charset=utf-8", headers=_STREAM_HEADERS)
    data, offset = b"", call.query.offset
    # A whole log is at most what is kept of it.
    while (piece := await call.wait(logs.read, call.context, attempt, offset)).data:
        data += _with_cut(piece)
        offset = piece.next_offset
    return Response(data, media_type="text/plain; charset=utf-8", headers={"Farm-Log-Offset": str(offset)})


async def _log(call: Call[None, LogQuery], attempt: str) -> AsyncIterator[bytes]:
    offset = call.query.offset
    opened = call.request.app.state.traffic.stream("log")
    with opened, call.context.signals.watch(logs.topic(attempt), EVENTS, STOPPING) as watch:
        while not call.request.app.state.stopping:
            piece = await call.wait(logs.read, call.context, attempt, offset)
            offset = piece.next_offset
            if piece.data:
                yield _with_cut(piece)
            elif piece.ended:
                return
            else:
                await watch.wait(PING_S)


def _with_cut(piece: logs.LogPiece) -> bytes:
    cut = _CUT.format(piece.skipped_bytes).encode() if piece.skipped_bytes else b""
    return cut + piece.data
