"""A transaction with what is to be told once it is committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestrator.store import events
from orchestrator.store.database import Connection
from orchestrator.store.events import NewEvent

from . import signals
from .blob_port import BlobStore
from .signals import Signals
from .tally import Tally
from .wakeup_port import Wakeups


@dataclass
class Transaction:
    """A connection inside a transaction, and its aftermath. Made by `Context.transaction`.

    Attributes:
        at: The moment of everything in it, on the coordinator's clock.
        blobs: What is stored.
    """

    connection: Connection
    at: float
    blobs: BlobStore
    _events: list[NewEvent] = field(default_factory=list)
    _counted: list[Callable[[Tally], None]] = field(default_factory=list)
    _topics: set[str] = field(default_factory=set)
    _wakes: list[tuple[str, str]] = field(default_factory=list)

    def emit(
        self,
        kind: str,
        *,
        submission: str | None = None,
        build: str | None = None,
        device: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Record an event; it becomes visible with the transaction."""
        self._events.append(NewEvent(kind, submission, build, device, data or {}))

    def count(self, counted: Callable[[Tally], None]) -> None:
        """Count this after the commit."""
        self._counted.append(counted)

    def tell(self, topic: str) -> None:
        """Signal this topic after the commit."""
        self._topics.add(topic)

    def wake(self, device_id: str, device_name: str, work_id: str) -> None:
        """Tell a device after the commit that there may be work: through the broker, and its held-open claim."""
        self._topics.add(signals.work_for(device_id))
        self._wakes.append((device_name, work_id))

    def write_events(self) -> None:
        """Write the recorded events, last of all: writing them orders this transaction among all others."""
        if self._events:
            events.add(self.connection, self.at, self._events)
            self._topics.add(signals.EVENTS)

    def deliver(self, heard: Signals, wakeups: Wakeups, tally: Tally) -> None:
        """Send what was to be told. The transaction is committed: nothing here may undo it."""
        tally.note(self._events)
        for counted in self._counted:
            counted(tally)
        for topic in self._topics:
            heard.changed(topic)
        for device, work in self._wakes:
            wakeups.wake(device, work)
