"""Brings what is back in line with what should be: silent leases, unheard wake-ups, work left behind by a crash."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from farm.protocol.errors import FarmError
from orchestrator.store import attempts, builds, preparations, submissions

from .campaigns.rounds import advance
from .cancelling import drop_unwanted_build
from .context import Context
from .ending import expire
from .prepared_builds import settle_preparation
from .settling import end_build
from .transaction import Transaction
from .waking import wake_builders, wake_hosts

log = logging.getLogger(__name__)

_BATCH = 200
_PERIOD_S = 1.0


@dataclass(frozen=True)
class Round:
    """What one round found to do."""

    expired: int = 0
    woken: int = 0
    settled: int = 0
    campaigns: int = 0


def begin(context: Context) -> int:
    """Give every live lease at least one more TTL: while nobody listened, nobody could hold one. How many needed it."""
    until = context.clock() + context.policy.lease_ttl_s
    return context.atomically(lambda transaction: attempts.give_grace(transaction.connection, until))


def reconcile(context: Context) -> Round:
    """One round."""
    now = context.clock()
    with context.database.read() as connection:
        silent = attempts.expired(connection, now, _BATCH)
    expired = sum(expire(context, attempt_id) for attempt_id in silent)
    settled = context.atomically(_settle)
    woken = context.atomically(lambda transaction: _wake(context, transaction))
    return Round(expired, woken, settled, advance(context))


def run(context: Context, stop: threading.Event) -> None:
    """Reconcile each second until told to stop; a round that fails is told and tried again."""
    late_s = _PERIOD_S + context.policy.lease_ttl_s / 2
    looked_at, kept_away = context.clock(), False
    while not stop.wait(_PERIOD_S):
        now = context.clock()
        kept_away = kept_away or now - looked_at > late_s
        looked_at = now
        try:
            if kept_away:
                # Whatever kept us from the database, or froze this process, kept the holders of leases from it, too.
                begin(context)
                kept_away = False
                if context.clock() - now > late_s:
                    continue  # that, too, was kept waiting, and looks like it in the next round
            reconcile(context)
        except FarmError as error:
            kept_away = True
            log.warning("a round of the reconciler failed: %s", error)


def _settle(transaction: Transaction) -> int:
    """Finish what a process that died between two transactions, or an older version, left behind."""
    connection = transaction.connection
    ended = builds.ready_but_waiting(connection, _BATCH)
    for preparation_id in ended:
        row = preparations.by_id(connection, preparation_id, lock=True)
        if row and not row.active:
            settle_preparation(transaction, row)
    unanswered = submissions.unanswered(connection, _BATCH)
    for build_id in unanswered:
        build = builds.by_id(connection, build_id, lock=True)
        if build and not build.active:
            end_build(transaction, build, build.state, build.failed_with, build.engine_id)
    unwanted = builds.unwanted(connection, _BATCH)
    for build_id in unwanted:
        drop_unwanted_build(transaction, build_id, "nobody wants it any more")
    return len(ended) + len(unanswered) + len(unwanted)


def _wake(context: Context, transaction: Transaction) -> int:
    before = transaction.at - context.policy.rewake_s
    waiting = preparations.unwoken(transaction.connection, before, _BATCH)
    for preparation in waiting:
        wake_hosts(transaction, preparation.id)
    queued = builds.unwoken(transaction.connection, before, _BATCH)
    for build in queued:
        wake_builders(transaction, build)
    return len(waiting) + len(queued)
