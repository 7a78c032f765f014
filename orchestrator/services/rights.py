"""Who may read and write blobs."""

from __future__ import annotations

import re

from farm.protocol.errors import Forbidden, LeaseLost
from farm.protocol.states import Scope
from orchestrator.store import blobs, rights
from orchestrator.store.rights import LiveLease

from .caller import Caller
from .context import Context

LEASE_HEADER = "Farm-Lease"

_LEASE = re.compile(r"(att-[A-Za-z0-9_-]{1,28}):(\d{1,18})")


def may_read(context: Context, caller: Caller, sha256: str | None) -> str:
    """In whose name the caller reads a blob.

    Raises: Forbidden: a worker holds no lease whose work is given this blob.
    """
    if caller.may(Scope.SUBMIT, Scope.FETCH):
        return caller.token_id
    with context.database.read() as connection:
        for lease in rights.live_leases(connection, caller.device or ""):
            if sha256 in rights.readable(connection, lease):
                return lease.attempt
    raise Forbidden(f"no lease of {caller.device or caller.name} needs the blob {sha256}", "Claim the work first.")


def may_write(context: Context, caller: Caller, header: str | None) -> str:
    """In whose name the caller writes blobs; `header` is its `Farm-Lease`.

    Raises: Forbidden. LeaseLost: a worker names a lease that is not its own, or no longer.
    """
    if caller.may(Scope.SUBMIT):
        return caller.token_id
    if caller.scope is not Scope.WORKER:
        raise Forbidden(
            f"the token {caller.name!r} has the scope {caller.scope} and may not store files",
            "Use a token with the scope admin or submit.",
        )
    named = _LEASE.fullmatch(header or "")
    if named is None:
        raise Forbidden("a worker writes blobs under a lease", f"Send {LEASE_HEADER}: <attempt>:<token>.")
    with context.database.read() as connection:
        leases = rights.live_leases(connection, caller.device or "")
    return _held(leases, named[1], int(named[2])).attempt


def _held(leases: tuple[LiveLease, ...], attempt: str, token: int) -> LiveLease:
    for lease in leases:
        if (lease.attempt, lease.token) == (attempt, token):
            return lease
    raise LeaseLost(f"the lease {attempt} is not held by this device", "Stop this work and claim again.")


def note_stored(context: Context, sha256: str, size_bytes: int) -> None:
    """Note that a blob is stored."""
    with context.transaction() as transaction:
        blobs.put(transaction.connection, sha256, size_bytes, transaction.at)
