"""Opens transactions on SQLite or PostgreSQL; everything else of the store is given a connection."""

from __future__ import annotations

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError, OperationalError

from farm.protocol.errors import Unavailable

__all__ = ["Connection", "Database", "Raced"]


# serialization_failure, deadlock_detected
_DEADLOCKS = ("40001", "40P01")
# read_only_sql_transaction
_READ_ONLY = "25006"
# How SQLite says it.
_FROZEN = "readonly database"
_FRESH_S = 1.0
_USED_AT = "farm.used_at"


class Raced(Exception):
    """Raised when another transaction was first: with a row that must be unique, or with locks taken crosswise.

    Nothing was written. Begin again: then its work will be seen.
    """


class Database:
    """One SQLAlchemy engine with the transaction rules of the farm.

    SQLite has a single writer: a lock in this process orders the writers (fairly, without busy loops) and
    `BEGIN IMMEDIATE` keeps other processes out. PostgreSQL works with row locks.
    """

    def __init__(self, url: str, pool_size: int = 16) -> None:
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        options: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 16}
        self.engine: Engine = create_engine(url, **options)
        self._writer = RLock()
        if self.is_sqlite:
            event.listen(self.engine, "connect", _configure_sqlite)
            event.listen(self.engine, "handle_error", _drop_frozen)
        else:
            event.listen(self.engine, "checkin", _note_use)
            event.listen(self.engine, "checkout", self._check_idle)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction that may write: committed at the end of the block, rolled back when it raises.

        Raises: Unavailable, Raced
        """
        if not self.is_sqlite:
            with _translated(), self.engine.begin() as connection:
                yield connection
            return
        with self._writer, _translated(), self.engine.connect() as connection:
            connection.execute(text("BEGIN IMMEDIATE"))
            try:
                yield connection
            except BaseException:
                connection.rollback()
                raise
            connection.commit()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One transaction that only reads, and sees one moment.

        Raises: Unavailable
        """
        with _translated(), self.engine.connect() as connection:
            if self.is_sqlite:
                connection.execute(text("BEGIN"))
            else:
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            try:
                yield connection
            finally:
                connection.rollback()

    def _check_idle(self, connection: Any, record: Any, _proxy: Any) -> None:
        """Refuse a connection that broke while it was idle: the pool opens another one."""
        used_at = record.info.get(_USED_AT)
        if used_at is None:
            return  # just opened
        try:
            # Not at each use, as `pool_pre_ping` does: that is one more round trip for every transaction. A server that
            # ends says so, which costs no round trip to notice; one that vanished says nothing.
            if time.monotonic() - used_at >= _FRESH_S or _was_told(connection):
                self.engine.dialect.do_ping(connection)
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise DisconnectionError from error

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _was_told(connection: Any) -> bool:
    """True when the server sent something that nobody asked for, or hung up."""
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return bool(waiting.poll(0))


def _note_use(_connection: Any, record: Any) -> None:
    record.info[_USED_AT] = time.monotonic()


def _configure_sqlite(connection: Any, _record: Any) -> None:
    # The driver must not open transactions by itself: `write` says BEGIN IMMEDIATE.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        connection.execute(f"PRAGMA {pragma}")


def _drop_frozen(failed: ExceptionContext) -> None:
    """Give up connections that were opened while the file could only be read: they could never write."""
    if _FROZEN in str(failed.original_exception):
        failed.is_disconnect = True


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise Raced(str(error.orig).splitlines()[0]) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _DEADLOCKS:
            raise Raced(str(error.orig).splitlines()[0]) from error
        told = str(error.orig)
        if "disk is full" in told or "No space left" in told:
            # Not `StorageFull`: whoever holds finished work has nothing to give up, only to wait.
            raise Unavailable("the disk of the database is full", "Free space; nothing was lost.") from error
        if getattr(error.orig, "sqlstate", None) == _READ_ONLY or _FROZEN in told:
            raise Unavailable("the database is read-only", "Let it take writes; nothing was lost.") from error
        if isinstance(error, OperationalError):
            raise Unavailable(f"the database does not answer: {told.splitlines()[0]}", "Try again.") from error
        raise
