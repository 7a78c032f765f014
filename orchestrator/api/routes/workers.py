"""What workers call."""

from __future__ import annotations

from farm.protocol.errors import Invalid
from farm.protocol.work import Enrolled, Enrolment, Heartbeat, HeartbeatAnswer
from orchestrator.services import enrolment, fleet, logs

from ..asks import AppendQuery, LogEnd
from ..body import read_body
from ..query import NoQuery
from ..routing import WORKERS, Call, Endpoints

endpoints = Endpoints("workers")

_LOG_BYTES = 8 << 20


@endpoints.route("POST", "/enrol", WORKERS, body=Enrolment, answer=Enrolled)
def enrol(call: Call[Enrolment, NoQuery]) -> Enrolled:
    """Introduce a device; its token is tied to it from then on."""
    enrolled = enrolment.enrol(call.context, call.body, call.caller)
    call.tokens.forget(call.caller.token_id)
    return enrolled


@endpoints.route("POST", "/heartbeat", WORKERS, body=Heartbeat, answer=HeartbeatAnswer)
def heartbeat(call: Call[Heartbeat, NoQuery]) -> HeartbeatAnswer:
    """Tell that the device lives."""
    return fleet.heartbeat(call.context, call.caller, call.body)


@endpoints.route("POST", "/leases/{attempt}/log", WORKERS, body=bytes, query=AppendQuery, answer=LogEnd)
async def append_log(call: Call[None, AppendQuery]) -> LogEnd:
    """Add bytes to the log of a lease; the offset makes a repeat harmless."""
    if call.query.offset < 0:
        raise Invalid("?offset cannot be negative")
    data = await read_body(call.request, _LOG_BYTES)
    attempt, token, offset = call.path["attempt"], call.query.token, call.query.offset
    return LogEnd(await call.wait(logs.append, call.context, call.caller, attempt, token, offset, data))
