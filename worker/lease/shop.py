"""What the work of one slot is done with."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Mapping, Optional, Sequence

from farm.device.clock_keeper import ClockKeeper
from worker.child.failpoints import Failpoints

from .halt import Halt
from .libraries import Workbench
from .patience import Patience
from .transfer import Cache


@dataclass(frozen=True)
class Shop:
    """What the work of one slot is done with.

    Attributes:
        folder: For workspaces.
        failed: Where workspaces of failures are kept.
        slot_lock: Descriptor of the slot's lock, for the child to hold.
        environ: Of the worker; children get what `scrubbed` leaves.
        memory_bytes: A child that takes more is ended.
        clocks: Of the card of the slot.
        bench: What plugins are compiled with.
        hidden: Files and folders that children cannot read.
    """

    folder: Path
    failed: Path
    slot_lock: int
    cache: Cache
    patience: Patience
    faults: Callable[[Halt], Failpoints]
    environ: Mapping[str, str]
    memory_bytes: Optional[int] = None
    clocks: Optional[ClockKeeper] = None
    bench: Workbench = field(default_factory=Workbench)
    hidden: Sequence[Path] = ()
