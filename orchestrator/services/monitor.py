"""What an operator watches: how much waits, runs, is stored and was lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from farm.protocol.errors import Unavailable
from farm.protocol.states import DeviceState, State
from orchestrator.store import counts, pulse
from orchestrator.store.counts import LeaseCounts, StockCounts
from orchestrator.store.database import Connection

from . import fleet
from .blob_port import DiskStat
from .context import Context
from .fleet import DevicePulse

_STOCK_KEPT_S = 300.0


@dataclass(frozen=True)
class QueueLevel:
    """The queued builds for one target, and for how long the oldest of them has been queued."""

    target: str
    queued: int
    oldest_s: float


@dataclass(frozen=True)
class Levels:
    """How the farm stands now; `stock` may be five minutes old.

    Attributes:
        builds: The active ones, as `preparations`.
        pulses: Of every device that is not retired.
        writable: The database takes writes.
        disk: Under the blobs; None while it does not answer.
        preparation_oldest_s: For how long the oldest queued preparation has been queued; 0 where none is.
    """

    pulses: tuple[DevicePulse, ...]
    writable: bool
    disk: DiskStat | None
    builds: Mapping[State, int]
    preparations: Mapping[State, int]
    queues: tuple[QueueLevel, ...]
    preparation_oldest_s: float
    leases: LeaseCounts
    quarantined: int
    stock: StockCounts

    @property
    def devices(self) -> Mapping[DeviceState, int]:
        """How many devices are in which state."""
        return Counter(item.state for item in self.pulses)


class Monitor:
    """Reads the levels of one coordinator, cheaply enough for every few seconds however old the farm is."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._stock: tuple[float, StockCounts] | None = None

    def levels(self) -> Levels:
        """How the farm stands.

        Raises: Unavailable
        """
        now = self.context.clock()
        pulses, disk = fleet.pulses(self.context), self._disk()
        with self.context.database.read() as connection:
            queues = tuple(
                QueueLevel(row.target, row.queued, max(0.0, now - row.oldest_at)) for row in counts.queues(connection)
            )
            oldest_at = counts.oldest_preparation(connection)
            return Levels(
                pulses=pulses,
                writable=not pulse.is_read_only(connection),
                disk=disk,
                builds=counts.builds(connection),
                preparations=counts.preparations(connection),
                queues=queues,
                preparation_oldest_s=0.0 if oldest_at is None else max(0.0, now - oldest_at),
                leases=counts.leases(connection, now),
                quarantined=counts.quarantined(connection),
                stock=self._stored(connection, now),
            )

    def _disk(self) -> DiskStat | None:
        try:
            return self.context.blobs.disk()
        except Unavailable:
            return None

    def _stored(self, connection: Connection, now: float) -> StockCounts:
        # Counting it takes longer the more there is, and it hardly moves.
        if self._stock is None or not 0.0 <= now - self._stock[0] < _STOCK_KEPT_S:
            self._stock = now, counts.stock(connection)
        return self._stock[1]
