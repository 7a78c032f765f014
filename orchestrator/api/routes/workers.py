"""What workers call."""

from __future__ import annotations

from farm.protocol.errors import Invalid
from farm.protocol.work import (
    Beat,
    BuildResult,
    Claim,
    ClaimAsk,
    Control,
    Enrolled,
    Enrolment,
    FailureReport,
    Heartbeat,
    HeartbeatAnswer,
    PreparationResult,
    ProgressReport,
    StageReport,
)
from orchestrator.services import (
    builds,
    claiming,
    ending,
    enrolment,
    fleet,
    leases,
    logs,
    preparations,
    progress,
    signals,
)
from orchestrator.services.published import Published

from ..asks import AppendQuery, LogEnd, PreparedAnswer, ReleaseAsk
from ..body import read_body
from ..held import hold
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


@endpoints.route("POST", "/claims", WORKERS, body=ClaimAsk, answer=Claim)
async def claim(call: Call[ClaimAsk, NoQuery]) -> Claim | None:
    """Ask for work; held open for `wait_s` while there is none."""
    if call.body.wait_s <= 0:
        return await call.wait(claiming.claim, call.context, call.caller, call.body)
    topic = signals.work_for(await call.wait(fleet.id_of, call.context, call.caller))

    async def look() -> Claim | None:
        return await call.wait(claiming.claim, call.context, call.caller, call.body)

    return await hold(call.request, call.context.signals, (topic,), call.body.wait_s, look)


@endpoints.route("POST", "/leases/{attempt}/beat", WORKERS, body=Beat, answer=Control)
async def beat(call: Call[Beat, NoQuery]) -> Control:
    """Hold a lease; answered when the coordinator wants something, or after `wait_s`."""
    attempt = call.path["attempt"]
    told = await call.wait(leases.beat, call.context, call.caller, attempt, call.body)
    if told.cancel:
        return told

    async def look() -> Control | None:
        now = await call.wait(leases.control, call.context, call.caller, attempt, call.body.token)
        return now if now.cancel else None

    found = await hold(call.request, call.context.signals, (signals.attempt(attempt),), call.body.wait_s, look)
    return found or Control()


@endpoints.route("POST", "/leases/{attempt}/stage", WORKERS, body=StageReport)
def enter_stage(call: Call[StageReport, NoQuery]) -> None:
    """Tell that the work entered a stage."""
    leases.stage(call.context, call.caller, call.path["attempt"], call.body)


@endpoints.route("POST", "/leases/{attempt}/progress", WORKERS, body=ProgressReport)
def tell_progress(call: Call[ProgressReport, NoQuery]) -> None:
    """Tell how far the work is in its stage; a lost word costs nothing."""
    progress.tell(call.context, call.caller, call.path["attempt"], call.body)


@endpoints.route("POST", "/leases/{attempt}/prepared", WORKERS, body=PreparationResult, answer=PreparedAnswer)
def complete_preparation(call: Call[PreparationResult, NoQuery]) -> PreparedAnswer:
    """Complete a preparation whose blobs are stored."""
    return PreparedAnswer(preparations.prepared(call.context, call.caller, call.path["attempt"], call.body))


@endpoints.route("POST", "/leases/{attempt}/publish", WORKERS, body=BuildResult, answer=Published)
def publish_engine(call: Call[BuildResult, NoQuery]) -> Published:
    """Make an engine visible, whose blobs are stored."""
    return builds.publish(call.context, call.caller, call.path["attempt"], call.body)


@endpoints.route("POST", "/leases/{attempt}/fail", WORKERS, body=FailureReport)
def fail_work(call: Call[FailureReport, NoQuery]) -> None:
    """Tell that the work failed, and why."""
    ending.fail(call.context, call.caller, call.path["attempt"], call.body)


@endpoints.route("POST", "/leases/{attempt}/release", WORKERS, body=ReleaseAsk)
def release_work(call: Call[ReleaseAsk, NoQuery]) -> None:
    """Give work back to the queue."""
    ending.release(call.context, call.caller, call.path["attempt"], call.body.token, call.body.reason)


@endpoints.route("POST", "/leases/{attempt}/log", WORKERS, body=bytes, query=AppendQuery, answer=LogEnd)
async def append_log(call: Call[None, AppendQuery]) -> LogEnd:
    """Add bytes to the log of a lease; the offset makes a repeat harmless."""
    if call.query.offset < 0:
        raise Invalid("?offset cannot be negative")
    data = await read_body(call.request, _LOG_BYTES)
    attempt, token, offset = call.path["attempt"], call.query.token, call.query.offset
    return LogEnd(await call.wait(logs.append, call.context, call.caller, attempt, token, offset, data))
