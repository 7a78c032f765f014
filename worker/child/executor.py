"""The port behind which children run: as processes of this machine, or each in a container of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Callable, Mapping, NamedTuple, Optional, Protocol, Sequence

from farm.protocol.target import BuildTarget

from .isolate import Child, Ended, Limits
from .listener import Progress
from .reproduce import write_reproduce


class Hears(NamedTuple):
    """Who hears what a child writes, the stages it enters and how far it is; all from one thread."""

    log: Callable[[bytes], None]
    stage: Callable[[str, str], None]
    progress: Optional[Progress] = None


class Running(Protocol):
    """One child. It lives no longer than the process that started it."""

    def start(self, early: bool = False) -> None:
        """Start it; with `early` it gets ready, and waits for `go_on`. Raises: OSError: it cannot be started."""

    def go_on(self) -> None:
        """Its inputs are there: it works, and its time counts, from now on."""

    def wait(self) -> Ended:
        """How it ended, once it and all that it started are gone; what it left lies in its workspace."""

    def kill(self, reason: str) -> None:
        """End it and all that it started within two seconds. From any thread, any often."""


class Executor(Protocol):
    """Makes the children of one slot."""

    def child(
        self, module: str, workspace: Path, limits: Limits, hears: Hears, target: Optional[BuildTarget]
    ) -> Running:
        """A child that is not started yet, and a script in its workspace that repeats it by hand.

        Args:
            module: Run as `python -m MODULE WORKSPACE`.
            workspace: Laid out as the child protocol of docs/architecture.md says.
            limits: What it may take.
            hears: See there.
            target: Whose toolchain it needs; None where it needs the tools that prepare graphs.

        Raises: Unsupported: no toolchain for that target is here.
        """

    def compilers(self, target: BuildTarget) -> Optional[Mapping[str, str]]:
        """Versions of what compiles plugins for a target, as the device enrolled; None where they are its own."""


class ProcessExecutor:
    """Children are processes of this machine.

    Args:
        slot_lock: Descriptor of the slot's lock, for children to hold.
        environ: Of the worker; children get what `scrubbed` leaves.
        hidden: Files and folders that children cannot read.
    """

    def __init__(self, slot_lock: int, environ: Mapping[str, str], hidden: Sequence[Path] = ()) -> None:
        self._slot_lock = slot_lock
        self._environ = environ
        self._hidden = hidden

    def child(
        self, module: str, workspace: Path, limits: Limits, hears: Hears, target: Optional[BuildTarget] = None
    ) -> Running:
        """See `Executor`; there is one toolchain, that of this machine."""
        write_reproduce(workspace, module, self._environ)
        return Child(module, workspace, limits, self._slot_lock, self._environ, *hears, self._hidden)

    def compilers(self, target: BuildTarget) -> Optional[Mapping[str, str]]:
        """See `Executor`."""
        return None
