"""What follows when a build has ended: its requests are answered, or placed anew."""

from __future__ import annotations

from farm.protocol.keys import RequestKey
from farm.protocol.report import Failure
from farm.protocol.states import ENDED_STATES, State
from orchestrator.rules.references import preparation_key
from orchestrator.store import builds, preparations, submissions
from orchestrator.store.builds import BuildRow
from orchestrator.store.submissions import RequestRow

from .orders import Order, measure_digest, verify_digest, wanted
from .placing import place
from .transaction import Transaction
from .waking import wake_builders


def queue_build(transaction: Transaction, build: BuildRow) -> None:
    """Let devices claim a build, and wake some."""
    builds.change(transaction.connection, build.id, state=State.QUEUED, queued_at=transaction.at, device_id=None)
    submissions.follow(transaction.connection, build.id, State.QUEUED)
    transaction.emit("build", build=build.id, data={"state": "queued"})
    wake_builders(transaction, build)


def end_build(
    transaction: Transaction,
    build: BuildRow,
    state: State,
    failure: Failure | None = None,
    engine_id: str | None = None,
) -> None:
    """End a build, and answer each request that wants it."""
    builds.change(
        transaction.connection,
        build.id,
        state=state,
        active=False,
        ended_at=transaction.at,
        failure=builds.failure_text(failure),
        engine_id=engine_id,
    )
    transaction.emit("build", build=build.id, data={"state": state, "engine": engine_id})
    transaction.count(lambda tally: tally.end(build.label, state))
    reason = failure.message if failure else ""
    for request in submissions.wanting(transaction.connection, build.id):
        _answer(transaction, request, build, state, engine_id, reason)


def _answer(
    transaction: Transaction, request: RequestRow, build: BuildRow, state: State, engine_id: str | None, reason: str
) -> None:
    """End a request as its build ended, or place it anew where it wants another proof than the build gave."""
    order = ordered(transaction, request, build.request_key)
    if order is None or _answers(transaction, order, build, state):
        found_state, found_reason, build_id, found_engine = state, reason, build.id, engine_id
    else:
        found = place(transaction, order)
        # Its engine was made for it as well, only the proof was missing: what is served now was not there before.
        found_state = State.DONE if found.state is State.CACHED else found.state
        found_reason, found_engine = found.reason, found.engine_id
        build_id = found.build_id or build.id
    ended = found_state in ENDED_STATES
    submissions.change_request(
        transaction.connection,
        request.id,
        state=found_state,
        reason=found_reason,
        build_id=build_id,
        engine_id=found_engine,
        ended_at=transaction.at if ended else None,
    )
    transaction.emit("request", submission=request.submission_id, build=build_id, data={"state": found_state})


def ordered(transaction: Transaction, request: RequestRow, key: RequestKey, again: bool = False) -> Order | None:
    """What a request ordered, with the key of the build it joined; `again`: its `--force` still counts."""
    submission = submissions.by_id(transaction.connection, request.submission_id)
    if submission is None:
        return None
    ask = submission.asked
    preparation = preparation_key(ask, key.recipe)
    force = again and ask.force
    return Order(ask.name, key, preparation, wanted(ask, preparation.digest), ask.priority, force)


def _answers(transaction: Transaction, order: Order, build: BuildRow, state: State) -> bool:
    """True when the end of the build says what this order wanted to know: same references, same policies."""
    preparation = preparations.by_id(transaction.connection, build.preparation_id)
    if preparation is None or state is State.CANCELLED:
        return True
    if state is State.FAILED:
        return preparation.key == order.preparation.digest
    proven = verify_digest(build.verify_policy, preparation.key) == order.wanted.verify_digest
    measured = measure_digest(build.benchmark_policy) == order.measure
    return proven and (measured or state is State.QUARANTINED)
