"""Ends leases that bring no result: failed, released, expired. The work is tried again, or fails for good."""

from __future__ import annotations

from farm.protocol.report import Failure, FailureKind
from farm.protocol.states import AttemptEnd, State
from farm.protocol.work import FailureReport
from orchestrator.rules.retry import Next, after_expiry, after_failure, rests
from orchestrator.store import attempts, builds, devices, preparations
from orchestrator.store.attempts import AttemptRow
from orchestrator.store.builds import BuildRow, failure_text
from orchestrator.store.preparations import PreparationRow

from .caller import Caller
from .context import Context
from .leases import hold
from .prepared_builds import settle_preparation
from .settling import end_build, queue_build
from .transaction import Transaction
from .waking import wake_hosts


def fail(context: Context, caller: Caller, attempt_id: str, report: FailureReport) -> None:
    """End a lease whose work failed. Nobody's fault is tried again; a repeat changes nothing.

    Raises: LeaseLost
    """
    context.atomically(lambda transaction: _fail(context, transaction, caller, attempt_id, report))


def release(context: Context, caller: Caller, attempt_id: str, token: int, reason: str) -> None:
    """Give the work back: it is in the queue at once. A repeat changes nothing.

    Raises: LeaseLost
    """

    def work(transaction: Transaction) -> None:
        if _is_repeat(transaction, caller, attempt_id, token):
            return
        held = hold(transaction, caller, attempt_id, token)
        how = AttemptEnd.RELEASED if held.is_wanted else AttemptEnd.CANCELLED
        attempts.end(transaction.connection, attempt_id, how, transaction.at)
        if held.is_wanted:
            transaction.emit("attempt", build=held.attempt.build_id, data={"end": how, "reason": reason[:200]})
            _queue(transaction, held.work)

    context.atomically(work)


def expire(context: Context, attempt_id: str) -> bool:
    """Take back a lease whose holder fell silent; False when it was held again in the meantime."""
    return context.atomically(lambda transaction: _expire(context, transaction, attempt_id))


def _fail(context: Context, transaction: Transaction, caller: Caller, attempt_id: str, report: FailureReport) -> None:
    connection = transaction.connection
    if _is_repeat(transaction, caller, attempt_id, report.token):
        return
    held = hold(transaction, caller, attempt_id, report.token)
    how = AttemptEnd.FAILED if held.is_wanted else AttemptEnd.CANCELLED
    failure = failure_text(report.failure)
    attempts.end(connection, attempt_id, how, transaction.at, report.child_ms, failure=failure)
    devices.change(connection, held.attempt.device_id, lost_leases=0)
    if not held.is_wanted:
        return
    tries = attempts.count_tries(connection, held.attempt)
    if after_failure(report.failure.kind, tries, context.policy.attempt_cap) is Next.QUEUE:
        _queue(transaction, held.work)
    else:
        _give_up(transaction, held.work, report.failure)


def _is_repeat(transaction: Transaction, caller: Caller, attempt_id: str, token: int) -> bool:
    row = attempts.by_id(transaction.connection, attempt_id, lock=True)
    if row is None or row.live or row.token != token:
        return False
    ended_by_holder = row.end in (AttemptEnd.FAILED, AttemptEnd.RELEASED, AttemptEnd.CANCELLED)
    return ended_by_holder and attempts.device_of(transaction.connection, attempt_id) == caller.device


def _expire(context: Context, transaction: Transaction, attempt_id: str) -> bool:
    connection = transaction.connection
    row = attempts.by_id(connection, attempt_id, lock=True)
    if row is None or not row.live or row.lease_until >= transaction.at:
        return False
    work = _work(transaction, row)
    wanted = work is not None and work.active
    _count_lost(context, transaction, row)
    attempts.end(connection, row.id, AttemptEnd.EXPIRED if wanted else AttemptEnd.CANCELLED, transaction.at)
    transaction.emit("attempt", build=row.build_id, data={"attempt": row.id, "end": AttemptEnd.EXPIRED})
    if work is None or not wanted:
        return True
    tries = attempts.count_tries(connection, row)
    if after_expiry(tries, context.policy.attempt_cap) is Next.QUEUE:
        _queue(transaction, work)
    else:
        message = f"its worker fell silent {tries} times, the last time while it was {work.state}"
        hint = "Does it kill the machine? Look at the log, and submit with --force to try again."
        _give_up(transaction, work, Failure(FailureKind.LOST, work.state, message, hint))
    return True


def _work(transaction: Transaction, row: AttemptRow) -> BuildRow | PreparationRow | None:
    if row.build_id:
        return builds.by_id(transaction.connection, row.build_id, lock=True)
    return preparations.by_id(transaction.connection, row.preparation_id or "", lock=True)


def _count_lost(context: Context, transaction: Transaction, row: AttemptRow) -> None:
    """Count against the device; the same work lost again says more about the work than about the device."""
    connection = transaction.connection
    before = attempts.newest_ended(connection, row.device_id)
    if before and before.end is AttemptEnd.EXPIRED and before.work_id == row.work_id:
        return
    device = devices.by_id(connection, row.device_id)
    lost = device.lost_leases + 1 if device else 1
    devices.change(connection, row.device_id, lost_leases=lost)
    if rests(lost, context.policy.rest_after):
        devices.change(connection, row.device_id, rests_until=transaction.at + context.policy.rest_s)
        transaction.emit("device", device=device.name if device else None, data={"state": "rests", "lost": lost})


def _queue(transaction: Transaction, work: BuildRow | PreparationRow) -> None:
    if isinstance(work, BuildRow):
        queue_build(transaction, work)
        return
    preparations.change(transaction.connection, work.id, state=State.QUEUED, queued_at=transaction.at)
    transaction.emit("preparation", data={"preparation": work.id, "state": State.QUEUED})
    wake_hosts(transaction, work.id)


def _give_up(transaction: Transaction, work: BuildRow | PreparationRow, failure: Failure) -> None:
    if isinstance(work, BuildRow):
        end_build(transaction, work, State.FAILED, failure)
        return
    preparations.change(
        transaction.connection,
        work.id,
        state=State.FAILED,
        active=False,
        failure=failure_text(failure),
        ended_at=transaction.at,
    )
    transaction.emit("preparation", data={"preparation": work.id, "state": State.FAILED})
    ended = preparations.by_id(transaction.connection, work.id)
    if ended:
        settle_preparation(transaction, ended)
