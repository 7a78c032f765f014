"""Takes in what a host prepared."""

from __future__ import annotations

from farm.protocol.codec import digest, dumps
from farm.protocol.errors import Conflict, LeaseLost
from farm.protocol.model import check_digest, check_relative
from farm.protocol.states import AttemptEnd, State
from farm.protocol.work import PreparationResult
from orchestrator.store import attempts, devices, plugins, preparations

from .caller import Caller
from .context import Context
from .leases import count_stages, hold
from .prepared_builds import settle_preparation
from .transaction import Transaction


def prepared(context: Context, caller: Caller, attempt_id: str, result: PreparationResult) -> str:
    """Complete a preparation, and queue what waited for it; its id. A repeat of the same answers the same.

    Raises: LeaseLost. Conflict: blobs are not stored (`details.missing`). Invalid: a name or digest is none.
    """
    for item in result.prepared.files:
        check_relative(item.name)
    missing = [sha256 for sha256 in result.prepared.blobs if not context.blobs.keep(check_digest(sha256))]
    if missing:
        raise Conflict(f"{len(missing)} blobs are not stored yet", "Upload them, then say it again.", missing=missing)
    preparation_id = context.atomically(lambda transaction: _complete(transaction, caller, attempt_id, result))
    if preparation_id is None:
        raise LeaseLost(f"the preparation of {attempt_id} was cancelled", "Claim again.")
    return preparation_id


def _complete(transaction: Transaction, caller: Caller, attempt_id: str, result: PreparationResult) -> str | None:
    connection = transaction.connection
    named = digest(result)
    earlier = attempts.by_id(connection, attempt_id, lock=True)
    if earlier and earlier.result_digest == named and attempts.device_of(connection, attempt_id) == caller.device:
        return earlier.work_id if earlier.end is AttemptEnd.PUBLISHED else None
    held = hold(transaction, caller, attempt_id, result.token)
    row = held.preparation
    if row is None:
        raise Conflict(f"{attempt_id} is a lease on a build", "Publish an engine for it.")
    how = AttemptEnd.PUBLISHED if held.is_wanted else AttemptEnd.CANCELLED
    attempts.end(connection, attempt_id, how, transaction.at, result.child_ms, result_digest=named)
    devices.change(connection, held.attempt.device_id, lost_leases=0)
    if not held.is_wanted:
        return None
    preparations.change(
        connection, row.id, state=State.DONE, active=False, prepared=dumps(result.prepared), ended_at=transaction.at
    )
    plugins.remember_operators(connection, row.model, row.preparation_key.recipe, result.prepared.plugin_operators)
    transaction.emit("preparation", data={"preparation": row.id, "state": State.DONE})
    count_stages(transaction, "preparation", held.attempt)
    done = preparations.by_id(connection, row.id)
    if done:
        settle_preparation(transaction, done)
    return row.id
