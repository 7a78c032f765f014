"""Child processes that are kept running, and gone with the process that started them."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from orchestrator.queue.lifeline import dies_with_parent

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 30.0
# A child that lived so long has recovered: the next end is a new story.
_RECOVERED_S = 60.0


@dataclass
class Child:
    """One process. `tell` is given a sentence whenever it ended by itself.

    Start and restart it from one thread that lives as long as the process: the kernel ends a child with the thread
    that started it.
    """

    name: str
    command: Sequence[str]
    environ: Mapping[str, str]
    tell: Callable[[str], None]
    pass_fds: tuple[int, ...] = ()
    _process: subprocess.Popen[bytes] | None = None
    _started_at: float = 0.0
    _pause_s: float = field(default=_FIRST_PAUSE_S)
    _again_at: float | None = None

    def start(self) -> None:
        """Start it."""
        self._started_at = time.monotonic()
        self._again_at = None
        self._process = subprocess.Popen(
            self.command,
            env=dict(self.environ),
            stdin=subprocess.DEVNULL,
            pass_fds=self.pass_fds,
            # A session of its own: Ctrl-C is for the parent, which then ends its children in order.
            start_new_session=True,
            preexec_fn=dies_with_parent(signal.SIGTERM),
        )

    @property
    def pid(self) -> int:
        """The process, or 0 where there is none."""
        return self._process.pid if self._process else 0

    @property
    def ended(self) -> bool:
        """True when it was started and runs no more."""
        return self._process is not None and self._process.poll() is not None

    def look(self) -> None:
        """Start it again, after a pause that doubles, when it has ended."""
        now = time.monotonic()
        if self._again_at is not None:
            if now >= self._again_at:
                self.start()
            return
        if self._process is None or self._process.poll() is None:
            return
        if now - self._started_at > _RECOVERED_S:
            self._pause_s = _FIRST_PAUSE_S
        self.tell(f"the {self.name} {_ended(self._process.returncode)}; starting it again in {self._pause_s:g} s")
        self._again_at = now + self._pause_s
        self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)

    def ask_to_end(self) -> None:
        """Send SIGTERM, if it runs."""
        self._again_at = None
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self, patience_s: float) -> None:
        """End it: by SIGTERM, and by SIGKILL where that takes too long. It is not started again."""
        self.ask_to_end()
        if self._process is None:
            return
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self.tell(f"the {self.name} did not end within {patience_s:g} s and was killed")
            self._process.kill()
            self._process.wait()
        self._process = None


def _ended(code: int) -> str:
    return f"ended with status {code}" if code >= 0 else f"was killed by {signal.Signals(-code).name}"
