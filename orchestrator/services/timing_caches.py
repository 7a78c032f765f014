"""The timing caches of the fleet: given to builds, swapped by them, certified and dropped by administrators.

The coordinator never looks into a cache: merging two needs their TensorRT and a driver, so a device does it. Here one
digest is put in the place of another, if nobody was first.
"""

from __future__ import annotations

from farm.protocol.errors import Conflict, Invalid, NotFound, Unsupported
from farm.protocol.model import check_digest
from farm.protocol.target import BuildTarget
from farm.protocol.timing import (
    TimingCacheGiven,
    TimingCacheSwap,
    TimingCacheSwapped,
    TimingCacheUse,
    TimingCacheVersion,
    TimingCacheView,
    pinned,
)
from orchestrator.rules.timing_caches import TimingClass, key_word, timing_class
from orchestrator.store import timing_caches as rows
from orchestrator.store.builds import BuildRow
from orchestrator.store.database import Connection
from orchestrator.store.timing_caches import TimingCacheRow, VersionRow

from .caller import Caller
from .clock import iso, iso_or_none
from .context import Context
from .leases import Held, hold
from .transaction import Transaction

_LIST = "Run farm timing-caches list."


def word_for(connection: Connection, use: TimingCacheUse, target: BuildTarget) -> tuple[str, str]:
    """What a request key says of the timing cache, and why it cannot be honoured; empty where it can."""
    found = timing_class(target) if use is TimingCacheUse.CERTIFIED else None
    row = rows.by_id(connection, found.id) if found else None
    try:
        return key_word(use, target, row.certified if row else None), ""
    except Unsupported as error:
        return str(use), error.message


def given(connection: Connection, build: BuildRow) -> TimingCacheGiven | None:
    """The timing cache that a build is given now; None where it does without."""
    key = build.request_key
    found = timing_class(key.target)
    if found is None or build.reuse_engine_id or key.timing_cache == TimingCacheUse.NONE:
        return None
    certified = pinned(key.timing_cache)
    if certified:
        return TimingCacheGiven(TimingCacheUse.CERTIFIED, certified)
    row = rows.by_id(connection, found.id)
    return TimingCacheGiven(TimingCacheUse.SHARED, row.sha256 if row else None)


def swap(context: Context, caller: Caller, attempt_id: str, asked: TimingCacheSwap) -> TimingCacheSwapped:
    """Put what a build learned in the place of what it grew from, unless another build was first.

    The lease says which cache that is: a worker cannot name one. A repeat answers the same.

    Raises:
        LeaseLost: The lease is not held.
        Conflict: Its blob is not stored (`details.missing`), or the build only reads a cache, or none.
        Invalid: It is larger than a cache may be.
    """
    if not context.blobs.keep(check_digest(asked.sha256)):
        raise Conflict("the timing cache is not stored yet", "Upload it, then swap again.", missing=[asked.sha256])
    size_bytes = context.blobs.stat(asked.sha256).size_bytes
    if size_bytes > context.policy.timing_cache_bytes:
        most = context.policy.timing_cache_bytes
        raise Invalid(f"a timing cache of {size_bytes} bytes is larger than {most}", "Drop it: builds make a new one.")
    return context.atomically(lambda transaction: _swap(transaction, caller, attempt_id, asked, size_bytes))


def every(context: Context) -> tuple[TimingCacheView, ...]:
    """Every timing cache, by its label."""
    with context.database.read() as connection:
        return tuple(_view(connection, row) for row in rows.every(connection))


def show(context: Context, cache_id: str) -> TimingCacheView:
    """One timing cache. Raises: NotFound."""
    with context.database.read() as connection:
        return _view(connection, _known(connection, cache_id))


def certify(context: Context, caller: Caller, cache_id: str, sha256: str | None) -> TimingCacheView:
    """Pin a state of a cache, by default the one builds are given now; later builds do not change it.

    Raises: NotFound. Conflict: there is no such state.
    """

    def work(transaction: Transaction) -> TimingCacheView:
        connection = transaction.connection
        row = _known(connection, cache_id, lock=True)
        chosen = sha256 or row.sha256
        if chosen is None or chosen not in rows.digests(connection, row.id) or not transaction.blobs.keep(chosen):
            told = chosen[:80] if chosen else "to certify"
            raise Conflict(f"{row.id} has no stored state {told}", "farm timing-caches show lists them.")
        about: dict[str, object] = {"certified": chosen, "certified_at": transaction.at, "certified_by": caller.name}
        return _changed(transaction, row, "certified", about)

    return context.atomically(work)


def uncertify(context: Context, cache_id: str) -> TimingCacheView:
    """Let nothing be certified; engines that were built with it stay. Raises: NotFound."""

    def work(transaction: Transaction) -> TimingCacheView:
        row = _known(transaction.connection, cache_id, lock=True)
        about: dict[str, object] = {"certified": None, "certified_at": None, "certified_by": ""}
        return _changed(transaction, row, "uncertified", about)

    return context.atomically(work)


def drop(context: Context, cache_id: str) -> TimingCacheView:
    """Let the next build begin empty; what is certified stays. Raises: NotFound."""

    def work(transaction: Transaction) -> TimingCacheView:
        row = _known(transaction.connection, cache_id, lock=True)
        return _changed(transaction, row, "dropped", {"sha256": None, "size_bytes": 0, "updated_at": transaction.at})

    return context.atomically(work)


def _swap(
    transaction: Transaction, caller: Caller, attempt_id: str, asked: TimingCacheSwap, size_bytes: int
) -> TimingCacheSwapped:
    connection = transaction.connection
    held = hold(transaction, caller, attempt_id, asked.token)
    build, found = _shared(held)
    row = rows.by_id(connection, found.id, lock=True)
    current = row.sha256 if row else None
    if current == asked.sha256:
        return TimingCacheSwapped(True, current)
    if current != asked.expected:
        _tell(transaction, found.id, "lost", current)
        return TimingCacheSwapped(False, current)
    if row is None:
        row = TimingCacheRow(found.id, build.request_key.target.label(), transaction.at)
        rows.add(connection, row)
    about = {"sha256": asked.sha256, "size_bytes": size_bytes, "swaps": row.swaps + 1, "updated_at": transaction.at}
    rows.change(connection, row.id, **about)
    made = VersionRow(row.id, asked.sha256, size_bytes, caller.device or "", build.id, transaction.at)
    rows.add_version(connection, made)
    _tell(transaction, row.id, "swapped", asked.sha256)
    return TimingCacheSwapped(True, asked.sha256)


def _shared(held: Held) -> tuple[BuildRow, TimingClass]:
    """The build of a lease with the class whose cache it extends."""
    build = held.build
    if build is not None and not build.reuse_engine_id and build.request_key.timing_cache == TimingCacheUse.SHARED:
        found = timing_class(build.request_key.target)
        if found is not None:
            return build, found
    raise Conflict(f"the work of {held.attempt.id} changes no timing cache", "Only builds with the shared one do.")


def _changed(transaction: Transaction, row: TimingCacheRow, what: str, about: dict[str, object]) -> TimingCacheView:
    rows.change(transaction.connection, row.id, **about)
    _tell(transaction, row.id, what, row.sha256)
    return _view(transaction.connection, _known(transaction.connection, row.id))


def _tell(transaction: Transaction, cache_id: str, what: str, sha256: str | None) -> None:
    transaction.emit("timing_cache", data={"timing_cache": cache_id, "state": what, "sha256": sha256})


def _known(connection: Connection, cache_id: str, lock: bool = False) -> TimingCacheRow:
    row = rows.by_id(connection, cache_id, lock)
    if row is None:
        raise NotFound(f"there is no timing cache {cache_id[:80]!r}", _LIST)
    return row


def _view(connection: Connection, row: TimingCacheRow) -> TimingCacheView:
    return TimingCacheView(
        id=row.id,
        label=row.label,
        sha256=row.sha256,
        size_bytes=row.size_bytes,
        swaps=row.swaps,
        updated_at=iso(row.updated_at),
        certified=row.certified,
        certified_at=iso_or_none(row.certified_at),
        certified_by=row.certified_by,
        versions=tuple(
            TimingCacheVersion(item.sha256, item.size_bytes, iso(item.created_at), item.device, item.build_id)
            for item in rows.versions(connection, row.id)
        ),
    )
