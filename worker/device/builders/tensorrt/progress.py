"""How far a build is: from TensorRT's own monitor where a version has one, else from the phases its log tells of."""

from __future__ import annotations

import logging
import re
import threading
import time
from typing import Any, Callable, Dict, Optional

from ..base import Progress, nobody

log = logging.getLogger(__name__)

Look = Callable[[str], None]

# What to call a phase, and how the line of the verbose log begins that tells of it, from 8.4 to 8.6.
_PHASES = (
    ("optimising graph", r"Graph construction and optimization completed|Applying generic optimizations"),
    ("building graph", r"Building graph using backend strategy"),
    ("timing tactics", r"=+ Computing costs|\*+ Autotuning|-+ Timing Runner"),
    ("timing reformats", r"=+ Computing reformatting costs"),
    ("tactics selected", r"Formats and tactics selection completed"),
    ("engine generated", r"Engine generation completed|Engine Layer Information"),
)
# One expression for all: it sees a million lines.
_BEGINS = re.compile("|".join(f"({line})" for _, line in _PHASES))
_TELL_EVERY_S = 1.0


class Ticker:
    """Tells of progress, to the log too, and not more often than a person can read.

    Args:
        tell: Given a phase such as `Timing tactics`, and the share of the steps that is done where it is counted.
        clock: Monotonic seconds.
    """

    def __init__(self, tell: Progress = nobody, clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._told_at: Optional[float] = None
        self._told = ""

    @property
    def hears(self) -> bool:
        """A line would be told now."""
        return self._told_at is None or self._clock() - self._told_at >= _TELL_EVERY_S

    def tick(self, phase: str, share: Optional[float] = None) -> None:
        """The build is here now."""
        line = phase if share is None else f"{100 * share:.0f} %, {phase}"
        if line != self._told and self.hears:
            self._told_at, self._told = self._clock(), line
            log.info("building: %s", line)
            self._tell(phase, share)


class Phases:
    """The phases of a build as TensorRT counts them: nested, each with a number of steps. Any thread may tell."""

    def __init__(self, ticker: Ticker) -> None:
        self._ticker = ticker
        self._open: Dict[str, _Phase] = {}
        self._share = 0.0
        self._lock = threading.Lock()

    def start(self, name: str, parent: Optional[str], steps: int) -> None:
        """A phase begins inside another one."""
        with self._lock:
            above = self._open.get(parent or "")
            low, width = (above.low + above.step * above.width, above.width) if above else (0.0, 1.0)
            self._open[name] = _Phase(low, width / max(steps, 1))
            self._tell(name)

    def step(self, name: str, step: int) -> None:
        """A step of a phase is over."""
        with self._lock:
            phase = self._open.get(name)
            if phase is not None:
                phase.step = step + 1
                self._share = max(self._share, phase.low + phase.step * phase.width)
                self._tell(name)

    def finish(self, name: str) -> None:
        """A phase is over."""
        with self._lock:
            self._open.pop(name, None)

    @property
    def share(self) -> float:
        """How much of the steps is done, from 0 to 1. Phases take unlike times: this is no estimate of time."""
        return min(self._share, 1.0)

    def _tell(self, name: str) -> None:
        self._ticker.tick(name, self.share)


class _Phase:
    """One that runs: where it begins in the whole, and how much of the whole one of its steps is."""

    def __init__(self, low: float, width: float) -> None:
        self.low = low
        self.width = width
        self.step = 0


def monitor(trt: Any, phases: Phases) -> Any:
    """An `IProgressMonitor` of this TensorRT that tells the phases. It must outlive the build."""

    class Monitor(trt.IProgressMonitor):  # type: ignore[misc]  # the class is known only at run time
        def __init__(self) -> None:
            trt.IProgressMonitor.__init__(self)

        def phase_start(self, phase_name: str, parent_phase: Optional[str], num_steps: int) -> None:
            phases.start(phase_name, parent_phase, num_steps)

        def step_complete(self, phase_name: str, step: int) -> bool:
            phases.step(phase_name, step)
            return True

        def phase_finish(self, phase_name: str) -> None:
            phases.finish(phase_name)

    return Monitor()


def watch(ticker: Ticker) -> Look:
    """A watch over the verbose log that tells its phases."""

    def look(text: str) -> None:
        found = _BEGINS.match(text) if ticker.hears else None
        if found is not None and found.lastindex is not None:
            ticker.tick(_PHASES[found.lastindex - 1][0])

    return look
