"""Holds leases: nobody but the holder of the newest token may speak for its work."""

from __future__ import annotations

from dataclasses import dataclass

from farm.protocol.errors import LeaseLost
from farm.protocol.states import State
from farm.protocol.work import Beat, Control, StageReport
from orchestrator.rules.lifecycle import BUILD_MOVES, PREPARATION_MOVES, check_stage
from orchestrator.store import attempts, builds, devices, preparations, submissions
from orchestrator.store.attempts import AttemptRow
from orchestrator.store.builds import BuildRow
from orchestrator.store.preparations import PreparationRow

from .caller import Caller
from .clock import iso
from .context import Context
from .durations import of_stages
from .tally import Tally
from .transaction import Transaction


@dataclass(frozen=True)
class Held:
    """A lease that its caller holds, with the work; exactly one of `build` and `preparation` is there."""

    attempt: AttemptRow
    build: BuildRow | None
    preparation: PreparationRow | None

    @property
    def work(self) -> BuildRow | PreparationRow:
        """What is worked on."""
        found = self.build or self.preparation
        if found is None:
            raise LeaseLost(f"the work of {self.attempt.id} is gone", _STOP)
        return found

    @property
    def is_wanted(self) -> bool:
        """False once the work was cancelled: its result counts no more."""
        return self.work.active


_STOP = "Kill the child and claim again."


def hold(transaction: Transaction, caller: Caller, attempt_id: str, token: int) -> Held:
    """The lease, if the caller holds it now. Its rows are locked until the transaction ends.

    Raises: LeaseLost: whatever the reason, the answer to a worker is the same.
    """
    connection = transaction.connection
    attempt = attempts.by_id(connection, attempt_id, lock=True)
    if attempt is None or caller.device is None or attempts.device_of(connection, attempt_id) != caller.device:
        raise LeaseLost(f"{caller.device or caller.name} holds no lease {attempt_id[:80]!r}", _STOP)
    if attempt.token != token or not attempt.live:
        ended = f" ({attempt.end})" if attempt.end else ""
        raise LeaseLost(f"the lease {attempt_id} is no longer held{ended}", _STOP, end=attempt.end)
    build = builds.by_id(connection, attempt.build_id, lock=True) if attempt.build_id else None
    preparation = preparations.by_id(connection, attempt.preparation_id, lock=True) if attempt.preparation_id else None
    held = Held(attempt, build, preparation)
    if held.work.token != token:
        raise LeaseLost(f"{attempt.work_id} was given to somebody else", _STOP)
    return held


def beat(context: Context, caller: Caller, attempt_id: str, heard: Beat) -> Control:
    """Extend a lease from now on, and say what the coordinator wants.

    Raises: LeaseLost
    """
    return context.atomically(lambda transaction: _beat(context, transaction, caller, attempt_id, heard.token))


def lasts_until(context: Context, until: float = 0.0) -> float:
    """When a lease that is held now runs out, never before `until`.

    Counted from now: a database that stalls may hold a transaction up for longer than a lease.
    """
    return max(until, context.clock() + context.policy.lease_ttl_s)


def control(context: Context, caller: Caller, attempt_id: str, token: int) -> Control:
    """What the coordinator wants of a lease, without extending it: for a beat that is held open.

    Raises: LeaseLost
    """
    with context.database.read() as connection:
        row = attempts.by_id(connection, attempt_id)
        holder = attempts.device_of(connection, attempt_id)
    if row is None or holder != caller.device:
        raise LeaseLost(f"{caller.device or caller.name} holds no lease {attempt_id[:80]!r}", _STOP)
    if row.token != token or not row.live:
        raise LeaseLost(f"the lease {attempt_id[:80]} is no longer held", _STOP, end=row.end)
    return _control(row)


def stage(context: Context, caller: Caller, attempt_id: str, report: StageReport) -> None:
    """Note that the work entered a stage; this holds the lease too. A repeat changes nothing.

    Raises: LeaseLost. Conflict: the stage does not follow.
    """
    context.atomically(lambda transaction: _stage(context, transaction, caller, attempt_id, report))


def count_stages(transaction: Transaction, kind: str, attempt: AttemptRow) -> None:
    """Count how long the stages of an attempt took that ends now, successfully."""
    lasted = tuple(of_stages(attempt.stages, transaction.at))

    def counted(tally: Tally) -> None:
        for stage, seconds in lasted:
            tally.took(kind, stage, seconds)

    transaction.count(counted)


def _beat(context: Context, transaction: Transaction, caller: Caller, attempt_id: str, token: int) -> Control:
    held = hold(transaction, caller, attempt_id, token)
    until = lasts_until(context, held.attempt.lease_until)
    attempts.change(transaction.connection, attempt_id, lease_until=until)
    devices.seen(transaction.connection, held.attempt.device_id, transaction.at)
    return _control(held.attempt)


def _control(attempt: AttemptRow) -> Control:
    return Control(cancel=attempt.cancel is not None, reason=attempt.cancel or "")


def _stage(context: Context, transaction: Transaction, caller: Caller, attempt_id: str, report: StageReport) -> None:
    held = hold(transaction, caller, attempt_id, report.token)
    until = lasts_until(context, held.attempt.lease_until)
    if not held.is_wanted:
        attempts.change(transaction.connection, attempt_id, lease_until=until)
        return
    moves = BUILD_MOVES if held.build else PREPARATION_MOVES
    moved = check_stage(moves, held.work.state, report.state)
    stages = held.attempt.stages
    if moved:
        stages = (*stages, {"state": report.state, "started_at": iso(transaction.at), "detail": report.detail})
        _enter(transaction, held, report.state)
    attempts.change(
        transaction.connection,
        attempt_id,
        lease_until=until,
        stages=attempts.stages_text(stages),
        child_ms=max(held.attempt.child_ms, report.child_ms),
    )


def _enter(transaction: Transaction, held: Held, state: State) -> None:
    connection = transaction.connection
    if held.build:
        builds.change(connection, held.build.id, state=state)
        submissions.follow(connection, held.build.id, state)
        transaction.emit("build", build=held.build.id, data={"state": state, "attempt": held.attempt.id})
    elif held.preparation:
        preparations.change(connection, held.preparation.id, state=state)
        transaction.emit("preparation", data={"preparation": held.preparation.id, "state": state})
