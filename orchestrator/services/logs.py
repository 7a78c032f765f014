"""Logs of attempts: appended while they run, kept as blobs of at most 1 MiB afterwards, readable at any time."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from farm.protocol.errors import BlobCorrupt, LeaseLost, NotFound
from orchestrator.store import blobs, builds, preparations
from orchestrator.store import logs as rows
from orchestrator.store.database import Connection
from orchestrator.store.logs import LogRow

from .caller import Caller
from .context import Context
from .log_port import HEAD_SEGMENTS, SEGMENT_BYTES

log = logging.getLogger(__name__)

# So long after its end an attempt's last words may still be on their way to a reader who follows the live file.
_SEAL_AFTER_S = 2.0


@dataclass(frozen=True)
class LogPiece:
    """A piece of a log. Offsets count every byte the attempt wrote.

    Attributes:
        skipped_bytes: What was written before these bytes and after the asked offset, and not kept.
        next_offset: Where to go on.
        ended: Nothing will follow what is stored; it may still have to be read.
    """

    data: bytes
    skipped_bytes: int
    next_offset: int
    ended: bool


def topic(attempt: str) -> str:
    """The signal of "this log grew, or its attempt ended"."""
    return f"log:{attempt}"


def append(context: Context, caller: Caller, attempt: str, token: int, offset: int, data: bytes) -> int:
    """Add bytes to the log of a lease; the new end of the log. A repeat adds nothing.

    Raises: LeaseLost. Conflict: bytes before `offset` are missing; `details.offset` is where to go on.
    """
    with context.database.read() as connection:
        row = rows.by_attempt(connection, attempt)
    if row is None or (row.device, row.token, row.live) != (caller.device, token, True):
        raise LeaseLost(f"the lease {attempt[:40]} is not held by this device", "Stop this work and claim again.")
    end = context.logs.append(attempt, offset, data)
    context.signals.changed(topic(attempt))
    return end


def attempt_of(context: Context, build: str | None, preparation: str | None, attempt: str | None) -> str | None:
    """The attempt whose log is meant: the named one, else the newest; None where there was none yet.

    Raises: NotFound: there is no such build or preparation, or it has no such attempt.
    """
    with context.database.read() as connection:
        known = rows.of_build(connection, build) if build else rows.of_preparation(connection, preparation or "")
        if not known:
            _check_exists(connection, build, preparation)
    if attempt is None:
        return known[0].attempt if known else None
    if not any(row.attempt == attempt for row in known):
        raise NotFound(f"{build or preparation} has no attempt {attempt[:40]!r}")
    return attempt


def _check_exists(connection: Connection, build: str | None, preparation: str | None) -> None:
    if build and builds.by_id(connection, build) is None:
        raise NotFound(f"there is no build {build[:80]!r}", "`farm list` shows them.")
    if preparation and preparations.by_id(connection, preparation) is None:
        raise NotFound(f"there is no preparation {preparation[:80]!r}", "`farm status` names it.")


def read(context: Context, attempt: str, offset: int, limit_bytes: int = SEGMENT_BYTES) -> LogPiece:
    """Some bytes of a log from `offset`; none where it ends for now.

    Raises: NotFound
    """
    with context.database.read() as connection:
        row = rows.by_attempt(connection, attempt)
    if row is None:
        raise NotFound(f"there is no attempt {attempt[:40]!r}")
    # Looked at in this order: a log that is sealed meanwhile has its blobs before its file goes.
    end = context.logs.end(attempt)
    if end is not None:
        start, data = context.logs.read(attempt, offset, limit_bytes)
        if data or offset >= end:
            return LogPiece(data, start - offset if data else 0, start + len(data), not row.live)
        with context.database.read() as connection:
            row = rows.by_attempt(connection, attempt) or row
    return _from_blobs(context, row, offset, limit_bytes)


def tail(context: Context, attempt: str, most_bytes: int) -> LogPiece:
    """The last bytes of a log as far as it goes now, at most so many; `skipped_bytes` is what stands before them.

    Raises: NotFound
    """
    with context.database.read() as connection:
        row = rows.by_attempt(connection, attempt)
    end = context.logs.end(attempt)
    if end is None:
        end = row.log_bytes if row else 0
    first = offset = max(0, end - most_bytes)
    found = []
    while (piece := read(context, attempt, offset)).data and offset < end:
        found.append(piece.data)
        offset = piece.next_offset
    return LogPiece(b"".join(found), first, offset, piece.ended)


def seal_ended(context: Context) -> int:
    """Make blobs of the logs whose attempts ended; how many. Called again and again."""
    running = context.logs.attempts()
    if not running:
        return 0
    with context.database.read() as connection:
        done = rows.ended(connection, running, context.clock() - _SEAL_AFTER_S)
    for row in done:
        try:
            _seal(context, row.attempt)
        except OSError as error:  # one log that cannot be read must not keep the others open
            log.warning("the log of %s stays open: %s", row.attempt, error)
    return len(done)


def _seal(context: Context, attempt: str) -> None:
    stored = [context.blobs.put_bytes(segment) for segment in context.logs.segments(attempt)]
    with context.transaction() as transaction:
        for stat in stored:
            blobs.put(transaction.connection, stat.sha256, stat.size_bytes, transaction.at)
        digests = tuple(stat.sha256 for stat in stored)
        rows.seal(transaction.connection, attempt, digests, context.logs.end(attempt) or 0)
    context.logs.remove(attempt)
    context.signals.changed(topic(attempt))


def _from_blobs(context: Context, row: LogRow, offset: int, limit_bytes: int) -> LogPiece:
    last = (row.log_bytes - 1) // SEGMENT_BYTES
    dropped = last + 1 - len(row.chunks)
    for index, sha256 in enumerate(row.chunks):
        start = (index if index < HEAD_SEGMENTS else index + dropped) * SEGMENT_BYTES
        end = min(start + SEGMENT_BYTES, row.log_bytes)
        if offset < end:
            begin = max(offset, start)
            wanted = min(end, begin + limit_bytes)
            data = _bytes(context, sha256, begin - start, wanted - start)
            return LogPiece(data, begin - offset, wanted, not row.live)
    return LogPiece(b"", 0, max(offset, row.log_bytes), not row.live)


def _bytes(context: Context, sha256: str, start: int, end: int) -> bytes:
    try:
        return b"".join(context.blobs.open_range(sha256, start, end))
    except (NotFound, BlobCorrupt):
        # The rest of the log is worth more than an error.
        return b"[this part of the log is lost: its blob is gone or corrupt]\n"
