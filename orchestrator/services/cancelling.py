"""Cancels requests; a build stops only when the last request that wants it is gone."""

from __future__ import annotations

from collections.abc import Sequence

from farm.protocol.errors import NotFound
from farm.protocol.states import State
from orchestrator.store import attempts, builds, preparations, submissions
from orchestrator.store.submissions import RequestRow

from . import signals
from .context import Context
from .transaction import Transaction


def cancel_requests(transaction: Transaction, requests: Sequence[RequestRow], reason: str) -> None:
    """Cancel those that are active, then every build that nobody wants any more."""
    # Builds first, as those do that end them; what ended since the requests were read stays as it ended.
    for build_id in sorted({item.build_id for item in requests if item.build_id}):
        builds.by_id(transaction.connection, build_id, lock=True)
    locked = submissions.lock_requests(transaction.connection, [item.id for item in requests])
    active = [item for item in locked if item.ended_at is None]
    for item in active:
        submissions.change_request(
            transaction.connection, item.id, state=State.CANCELLED, reason=reason, ended_at=transaction.at
        )
        transaction.emit("request", submission=item.submission_id, build=item.build_id, data={"state": "cancelled"})
    for build_id in sorted({item.build_id for item in active if item.build_id}):
        drop_unwanted_build(transaction, build_id, reason)


def cancel_build(context: Context, build_id: str, reason: str) -> None:
    """Cancel every request that wants a build, and so the build. One that has ended stays as it is.

    Raises: NotFound
    """

    def work(transaction: Transaction) -> None:
        if builds.by_id(transaction.connection, build_id) is None:
            raise NotFound(f"there is no build {build_id[:80]!r}", "`farm list` shows them.")
        cancel_requests(transaction, submissions.wanting(transaction.connection, build_id), reason)
        drop_unwanted_build(transaction, build_id, reason)

    context.atomically(work)


def drop_unwanted_build(transaction: Transaction, build_id: str, reason: str) -> bool:
    """Cancel an active build that no request wants; its worker, if it has one, is told at once. True when it was."""
    connection = transaction.connection
    build = builds.by_id(connection, build_id, lock=True)
    if build is None or not build.active or builds.is_wanted(connection, build_id):
        return False
    builds.change(connection, build_id, state=State.CANCELLED, active=False, ended_at=transaction.at)
    transaction.emit("build", build=build_id, data={"state": "cancelled"})
    _stop(transaction, builds.live_attempt(connection, build_id), reason)
    drop_unwanted_preparation(transaction, build.preparation_id, reason)
    return True


def drop_unwanted_preparation(transaction: Transaction, preparation_id: str, reason: str) -> None:
    """Cancel an active preparation that no active build needs."""
    connection = transaction.connection
    row = preparations.by_id(connection, preparation_id, lock=True)
    if row is None or not row.active or preparations.is_wanted(connection, preparation_id):
        return
    preparations.change(connection, preparation_id, state=State.CANCELLED, active=False, ended_at=transaction.at)
    transaction.emit("preparation", data={"preparation": preparation_id, "state": "cancelled"})
    _stop(transaction, preparations.live_attempt(connection, preparation_id), reason)


def _stop(transaction: Transaction, attempt_id: str | None, reason: str) -> None:
    # The lease lives on until its holder says that the child is dead, or falls silent: the slot is not free before.
    if attempt_id:
        attempts.change(transaction.connection, attempt_id, cancel=reason)
        transaction.tell(signals.attempt(attempt_id))
