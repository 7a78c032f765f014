"""The clocks of this machine's GPU, for `farm bench`."""

from __future__ import annotations

from contextlib import contextmanager
from typing import Any, Callable, Dict, Iterator

from farm.protocol.options import BenchmarkPolicy, ClockLock

from .settings import Settings

_MARK = "locked-clocks.json"


@contextmanager
def clocks_of_this_machine(settings: Settings, policy: BenchmarkPolicy) -> Iterator[Callable[[], Dict[str, Any]]]:
    """What locks them, if the policy asks and the owner allows it; they are free again after the block.

    Those that an earlier command left locked, because it was killed, are let go first.

    Raises: Invalid: `FARM_LOCK_CLOCKS` cannot be read.
    """
    from farm.device.clock_keeper import ClockKeeper, let_go
    from farm.device.clocks import owner_from
    from farm.device.probe import probe

    mark = settings.cache_dir / _MARK
    let_go(mark)
    cards = probe().gpus if policy.lock_clocks is not ClockLock.OFF else ()
    # An engine runs on the first card that a process sees.
    keeper = ClockKeeper(owner_from(settings.lock_clocks), cards[0].uuid if cards else None, mark)
    try:
        yield keeper.lock
    finally:
        keeper.release()
