"""The child processes of one lease: that of its work, which starts while its inputs come, and those that help."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import Callable, Iterator, NamedTuple

from worker.child.isolate import Child, Ended, Limits
from worker.child.listener import Progress
from worker.child.reproduce import write_reproduce

from .halt import Halt
from .shop import Shop


class Hears(NamedTuple):
    """Who hears what children write, the stages they enter and how far they are."""

    log: Callable[[bytes], None]
    stage: Callable[[str, str], None]
    progress: Progress


class Children:
    """The children of one lease.

    Args:
        shop: What they are started with.
        halt: Ends them.
        hears: See `Hears`.

    Attributes:
        child_ms: How long all of them worked.
    """

    def __init__(self, shop: Shop, halt: Halt, hears: Hears) -> None:
        self.child_ms = 0.0
        self._shop = shop
        self._halt = halt
        self._hears = hears

    def run(self, module: str, folder: Path, deadline_s: float) -> Ended:
        """Run a child whose inputs are there, to its end. Raises: OSError: none can be started."""
        child = self._made(module, folder, deadline_s)
        child.start()
        return self._ended(child)

    @contextmanager
    def early(self, module: str, folder: Path, deadline_s: float) -> Iterator[Callable[[], Ended]]:
        """A child that gets ready during the block, whose inputs come meanwhile; what is given runs it to its end.

        A block that is left before leaves none behind.

        Raises: OSError: none can be started.
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

    def _made(self, module: str, folder: Path, deadline_s: float) -> Child:
        shop = self._shop
        write_reproduce(folder, module, shop.environ)
        limits = Limits(deadline_s, shop.memory_bytes)
        return Child(module, folder, limits, shop.slot_lock, shop.environ, *self._hears, shop.hidden)

    def _ended(self, child: Child) -> Ended:
        self._halt.on_halt(child.kill)
        try:
            ended = child.wait()
            self.child_ms += ended.child_ms
            return ended
        finally:
            if self._shop.clocks is not None:
                self._shop.clocks.release()
