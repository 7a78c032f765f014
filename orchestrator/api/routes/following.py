"""What is watched while it happens: events and logs."""

from __future__ import annotations

from starlette.responses import Response

from ..asks import EventsQuery, LogQuery
from ..routing import READERS, SUBMITTERS, Call, Endpoints
from ..streams import event_stream, log_stream

endpoints = Endpoints("following")


@endpoints.route("GET", "/events", SUBMITTERS, query=EventsQuery, answer=Response)
async def follow_events(call: Call[None, EventsQuery]) -> Response:
    """Server-sent events, of everything or of one submission or build."""
    return await event_stream(call)


@endpoints.route("GET", "/builds/{id}/log", READERS, query=LogQuery, answer=Response)
async def build_log(call: Call[None, LogQuery]) -> Response:
    """The log of a build's attempt."""
    return await log_stream(call, call.path["id"], None)


@endpoints.route("GET", "/preparations/{id}/log", READERS, query=LogQuery, answer=Response)
async def preparation_log(call: Call[None, LogQuery]) -> Response:
    """The log of a preparation's attempt."""
    return await log_stream(call, None, call.path["id"])
