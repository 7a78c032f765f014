"""What workers call."""

from __future__ import annotations

from farm.protocol.work import Enrolled, Enrolment, Heartbeat, HeartbeatAnswer
from orchestrator.services import enrolment, fleet

from ..query import NoQuery
from ..routing import WORKERS, Call, Endpoints

endpoints = Endpoints("workers")


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
