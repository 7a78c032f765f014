"""The child processes of one lease: that of its work, which starts while its inputs come, and those that help."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, Optional

from farm.protocol.target import BuildTarget
from worker.child.executor import Hears, Running
from worker.child.isolate import Ended, Limits

from .halt import Halt
from .shop import Shop


class Children:
    """The children of one lease.

    Args:
        shop: What they are started with.
        halt: Ends them.
        hears: See there.
        target: What the lease builds for; None where it prepares a graph.

    Attributes:
        child_ms: How long all of them worked.
    """

    def __init__(self, shop: Shop, halt: Halt, hears: Hears, target: Optional[BuildTarget]) -> None:
        self.child_ms = 0.0
        self._shop = shop
        self._halt = halt
        self._hears = hears
        self._target = target

    def run(self, module: str, folder: Path, deadline_s: float) -> Ended:
        """Run a child whose inputs are there, to its end. Raises: OSError, Unsupported: none can be started."""
        child = self._made(module, folder, deadline_s)
        child.start()
        return self._ended(child)

    @contextmanager
    def early(self, module: str, folder: Path, deadline_s: float) -> Iterator[Callable[[], Ended]]:
        """A child that gets ready during the block, whose inputs come meanwhile; what is given runs it to its end.

        A block that is left before leaves none behind.

        Raises: OSError: none can be started. Unsupported: this device has no toolchain for the target any more.
        """
        child = self._made(module, folder, deadline_s)
        child.start(early=True)
        over = False

        def go_on() -> Ended:
            nonlocal over
            over = True
            child.go_on()
            return self._ended(child)

        try:
            yield go_on
        finally:
            if not over:
                child.kill("its inputs do not come")
                child.wait()

    def _made(self, module: str, folder: Path, deadline_s: float) -> Running:
        limits = Limits(deadline_s, self._shop.memory_bytes)
        return self._shop.executor.child(module, folder, limits, self._hears, self._target)

    def _ended(self, child: Running) -> Ended:
        self._halt.on_halt(child.kill)
        try:
            ended = child.wait()
            self.child_ms += ended.child_ms
            return ended
        finally:
            if self._shop.clocks is not None:
                self._shop.clocks.release()
