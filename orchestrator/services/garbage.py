"""Removes engines that nobody needs any more, then blobs that nothing refers to."""

from __future__ import annotations

from farm.protocol.views import Sweep
from orchestrator.rules.retention import StoredEngine, expendable
from orchestrator.store import references

from .blob_collect import unreferenced
from .context import Context
from .transaction import Transaction


def sweep(context: Context, dry_run: bool) -> Sweep:
    """What was removed, or would be. Raises: Conflict: a backup is being made.

    Safe beside submits and publishes: each asks to keep its blobs before it writes a reference to them, and a kept
    blob is too young to be collected.
    """
    before = context.clock() - context.policy.keep_s
    if dry_run:
        engines, pinned, needed = _preview(context, before)
        gone, size_bytes = _collect(context, needed, dry_run)
        return Sweep(dry_run, blobs=gone, bytes=size_bytes, engines=engines, kept_pinned=pinned)
    with context.blobs.may_collect():
        engines, pinned = context.atomically(lambda transaction: _retire(context, transaction, before))
        with context.database.read() as connection:
            needed = references.blobs(connection)
        gone, size_bytes = _collect(context, needed, dry_run)
    return Sweep(dry_run, blobs=gone, bytes=size_bytes, engines=engines, kept_pinned=pinned)


def _chosen(context: Context, engines: tuple[StoredEngine, ...], now: float) -> tuple[str, ...]:
    return expendable(engines, now, context.policy.keep_engines, context.policy.keep_s)


def _retire(context: Context, transaction: Transaction, before: float) -> tuple[tuple[str, ...], int]:
    engines = references.engines(transaction.connection)
    chosen = _chosen(context, engines, transaction.at)
    references.remove_engines(transaction.connection, chosen, transaction.at)
    references.forget_preparations(transaction.connection, before)
    references.forget_sources(transaction.connection, before)
    for engine_id in chosen:
        transaction.emit("engine", data={"engine": engine_id, "removed": True})
    return chosen, sum(engine.pinned for engine in engines)


def _preview(context: Context, before: float) -> tuple[tuple[str, ...], int, frozenset[str]]:
    """The same in a transaction that is given up: the answer is exactly what a sweep would do."""
    with context.preview() as transaction:
        engines, pinned = _retire(context, transaction, before)
        return engines, pinned, references.blobs(transaction.connection)


def _collect(context: Context, needed: frozenset[str], dry_run: bool) -> tuple[int, int]:
    removed, size_bytes = [], 0
    for stat in unreferenced(context.blobs, needed.__contains__, context.policy.keep_s):
        if dry_run or context.blobs.delete(stat.sha256, older_than_s=context.policy.keep_s):
            removed.append(stat.sha256)
            size_bytes += stat.size_bytes
    if removed and not dry_run:
        context.atomically(lambda transaction: references.forget_blobs(transaction.connection, tuple(removed)))
    return len(removed), size_bytes
