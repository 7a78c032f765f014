"""What every use-case is given: the ports, the clock and the policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from farm.plugins.folder import shipped_folder
from farm.protocol.errors import Unavailable
from orchestrator.store.database import Database, Raced

from .blob_port import BlobStore
from .clock import Clock, steady_clock
from .estimates import Estimates
from .log_port import LiveLogs
from .policy import Policy
from .progress_board import Board
from .signals import Signals
from .tally import Tally
from .transaction import Transaction
from .wakeup_port import Wakeups

T = TypeVar("T")

_TRIES = 20


@dataclass(frozen=True)
class Context:
    """One coordinator process. Services are functions whose first argument is this.

    Attributes:
        plugins: The folder of the plugins that came with farm.
    """

    database: Database
    blobs: BlobStore
    logs: LiveLogs
    wakeups: Wakeups
    clock: Clock = field(default_factory=steady_clock)
    signals: Signals = field(default_factory=Signals)
    estimates: Estimates = field(default_factory=Estimates)
    progress: Board = field(default_factory=Board)
    tally: Tally = field(default_factory=Tally)
    policy: Policy = field(default_factory=Policy)
    plugins: Path = field(default_factory=shipped_folder)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction with its moment; its events, signals and wake-ups go out only when it is committed.

        Raises: Unavailable, StorageFull, Raced
        """
        with self.database.write() as connection:
            transaction = Transaction(connection, self.clock(), self.blobs)
            yield transaction
            transaction.write_events()
        transaction.deliver(self.signals, self.wakeups, self.tally)

    @contextmanager
    def preview(self) -> Iterator[Transaction]:
        """A transaction of which nothing stays and nobody is told.

        Raises: Unavailable, StorageFull
        """
        with self.database.write() as connection:
            yield Transaction(connection, self.clock(), self.blobs)
            connection.rollback()

    def atomically(self, work: Callable[[Transaction], T]) -> T:
        """What `work` returns, done in one transaction; begun again where another transaction was first.

        Raises: Unavailable, StorageFull, and what `work` raises.
        """
        for _ in range(_TRIES):
            try:
                with self.transaction() as transaction:
                    return work(transaction)
            except Raced as raced:
                last = raced
        raise Unavailable("too many writers want the same rows of the database", "Try again.") from last
