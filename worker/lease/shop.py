"""What the work of one slot is done with."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, Optional

from farm.device.clock_keeper import ClockKeeper
from farm.protocol.target import BuildTarget
from worker.child.executor import Executor
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
        executor: Makes children.
        memory_bytes: A child that takes more is ended.
        clocks: Of the card of the slot.
        bench: What plugins are compiled with.
    """

    folder: Path
    failed: Path
    cache: Cache
    patience: Patience
    faults: Callable[[Halt], Failpoints]
    executor: Executor
    memory_bytes: Optional[int] = None
    clocks: Optional[ClockKeeper] = None
    bench: Workbench = field(default_factory=Workbench)

    def bench_for(self, target: Optional[BuildTarget]) -> Workbench:
        """What plugins are compiled with for a target."""
        found = self.executor.compilers(target) if target is not None else None
        return self.bench if found is None else replace(self.bench, toolchain=found)
