"""A child process: none of the worker's secrets, a group of its own, limits, a deadline, no life without the worker."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, Mapping, Optional, Sequence

from worker.settings import (
    HIDDEN_VARIABLE,
    INPUTS_VARIABLE,
    LIFELINE_VARIABLE,
    MEMORY_VARIABLE,
    PARENT_VARIABLE,
    STAGES_VARIABLE,
)

from .environment import home_of, scrubbed
from .linux import adopt_orphans, collect
from .listener import Listener, Progress
from .memory import held_bytes, oom_kills
from .remains import end_remains

log = logging.getLogger(__name__)

# After SIGTERM; a cancelled build has to be gone within two seconds.
_TERM_S = 1.0
_TICK_S = 0.1
_GONE_S = 1.0
_STEP_S = 0.002
_DRAIN_S = 5.0


@dataclass(frozen=True)
class Limits:
    """What a child may take.

    Attributes:
        deadline_s: It is ended after so long.
        memory_bytes: It is ended when it holds more; None means no limit of ours.
    """

    deadline_s: float
    memory_bytes: Optional[int] = None


@dataclass(frozen=True)
class Ended:
    """How a child ended.

    Attributes:
        status: Its exit status; None when a signal killed it.
        signal: Name of that signal.
        out_of_memory: It passed its limit, or the kernel ran out.
        timed_out: It passed its deadline.
        child_ms: From the moment its inputs were there, mostly its start, to its end.
        peak_bytes: Most memory it was seen to hold.
    """

    status: Optional[int]
    signal: Optional[str] = None
    out_of_memory: bool = False
    timed_out: bool = False
    child_ms: float = 0.0
    peak_bytes: int = 0


class Child:
    """One child process.

    Args:
        module: Run as `python -m MODULE WORKSPACE`.
        workspace: Its working directory too.
        limits: What it may take.
        slot_lock: Descriptor that it holds as well.
        environ: Of the worker; what the child gets of it is `scrubbed`.
        log: Given what it writes, as it writes; from a thread. A child that writes faster waits for it.
        stage: Given name and detail of each stage it enters; from the same thread.
        progress: Given how far it is in its stage; likewise.
        hidden: Files and folders that it must not read; its workspace may lie in one.
    """

    def __init__(
        self,
        module: str,
        workspace: Path,
        limits: Limits,
        slot_lock: int,
        environ: Mapping[str, str],
        log: Callable[[bytes], None],
        stage: Callable[[str, str], None],
        progress: Optional[Progress] = None,
        hidden: Sequence[Path] = (),
    ) -> None:
        self._module = module
        self._workspace = workspace
        self._limits = limits
        self._slot_lock = slot_lock
        self._environ = environ
        self._log = log
        self._stage = stage
        self._progress = progress
        self._hidden = hidden
        self._lock = threading.Lock()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._lifeline: Optional[int] = None
        self._inputs: Optional[int] = None
        self._listener: Optional[Listener] = None
        self._started_at = 0.0
        self._kills_before = 0
        self._term_at: Optional[float] = None
        self._timed_out = self._too_big = self._over = False
        self._peak_bytes = 0

    def start(self, early: bool = False) -> None:
        """Start it. It lives no longer than this process.

        With `early` it gets ready and then waits for `go_on`: its inputs are still to come, and its time has not begun.

        Raises: OSError: no process can be started.
        """
        home_of(self._workspace).mkdir(exist_ok=True)
        adopt_orphans()
        output, output_end = os.pipe()
        stages, stages_end = os.pipe()
        lifeline_end, self._lifeline = os.pipe()
        inputs_end, self._inputs = os.pipe() if early else (None, None)
        told: Dict[str, object] = {
            STAGES_VARIABLE: stages_end,
            LIFELINE_VARIABLE: lifeline_end,
            PARENT_VARIABLE: os.getpid(),
        }
        if inputs_end is not None:
            told[INPUTS_VARIABLE] = inputs_end
        if self._hidden:
            told[HIDDEN_VARIABLE] = os.pathsep.join(map(str, self._hidden))
        if self._limits.memory_bytes is not None:
            told[MEMORY_VARIABLE] = self._limits.memory_bytes
        ends = [item for item in (stages_end, lifeline_end, inputs_end) if item is not None]
        try:
            self._started_at = time.monotonic()
            self._kills_before = oom_kills()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker.child.launch", self._module, str(self._workspace)],
                env={**scrubbed(self._environ, self._workspace), **{name: str(value) for name, value in told.items()}},
                cwd=str(self._workspace),
                stdin=subprocess.DEVNULL,
                stdout=output_end,
                stderr=subprocess.STDOUT,
                pass_fds=(*ends, self._slot_lock),
                start_new_session=True,
            )
        except BaseException:
            for descriptor in filter(None, (output, stages, self._lifeline, self._inputs)):
                os.close(descriptor)
            raise
        finally:
            for descriptor in (output_end, *ends):
                os.close(descriptor)
        self._listener = Listener(output, stages, self._log, self._stage, self._progress)
        self._listener.start()
        threading.Thread(target=self._watch, name=f"watch-{self._process.pid}", daemon=True).start()

    def go_on(self) -> None:
        """Its inputs are there: it works from now on."""
        self._started_at = time.monotonic()
        inputs, self._inputs = self._inputs, None
        if inputs is not None:
            # One that ended meanwhile cannot hear it, which `wait` will tell.
            with suppress(BrokenPipeError):
                os.write(inputs, b"1")
            os.close(inputs)

    def wait(self) -> Ended:
        """How it ended, once it and all that it started are gone."""
        process = self._running()
        # Looked at before it is collected: as long as it is not, its group cannot become somebody else's.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        child_ms = self.elapsed_ms
        with self._lock:
            self._over = True
            self._signal_group(signal.SIGKILL)
        strays = end_remains(self._workspace)
        if strays:
            log.info("child %d left %d processes in sessions of their own; they were ended", process.pid, strays)
        code = process.wait()
        self._await_group()
        if self._listener is not None:
            self._listener.finish(_DRAIN_S)
        for descriptor in filter(None, (self._lifeline, self._inputs)):
            os.close(descriptor)
        return Ended(
            status=code if code >= 0 else None,
            signal=signal.Signals(-code).name if code < 0 else None,
            out_of_memory=self._too_big or (code == -signal.SIGKILL and not self._term_at and self._starved()),
            timed_out=self._timed_out,
            child_ms=child_ms,
            peak_bytes=self._peak_bytes,
        )

    def kill(self, reason: str) -> None:
        """End it and all that it started: by SIGTERM, and by SIGKILL a second later. From any thread, any often."""
        self._end(reason, signal.SIGTERM)

    @property
    def elapsed_ms(self) -> float:
        """How long it has worked."""
        return (time.monotonic() - self._started_at) * 1000.0

    def _end(self, reason: str, number: int) -> None:
        with self._lock:
            if self._over or (self._term_at is not None and number == signal.SIGTERM):
                return
            self._term_at = self._term_at or time.monotonic()
            log.info("ending child %d: %s", self._running().pid, reason)
            self._signal_group(number)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the child was not started")
        return self._process

    def _signal_group(self, number: int) -> bool:
        """False when nobody is left in it."""
        try:
            os.killpg(self._running().pid, number)
        except ProcessLookupError:
            return False
        return True

    def _await_group(self) -> None:
        """Return when the group is empty: what was killed may still give back its memory, and an accelerator's."""
        until = time.monotonic() + _GONE_S
        while self._signal_group(0) and time.monotonic() < until:
            if not collect(self._running().pid):
                time.sleep(_STEP_S)

    def _watch(self) -> None:
        """Hold it to its limits until it is over."""
        while not self._over:
            held = held_bytes(self._running().pid)
            self._peak_bytes = max(self._peak_bytes, held)
            if self._limits.memory_bytes is not None and held > self._limits.memory_bytes and not self._too_big:
                self._too_big = True
                self._end(f"it holds {held} bytes", signal.SIGKILL)
            if self._inputs is None and self.elapsed_ms > self._limits.deadline_s * 1000.0 and not self._timed_out:
                self._timed_out = True
                self._end("its time is over", signal.SIGTERM)
            with self._lock:
                if self._term_at is not None and not self._over and time.monotonic() - self._term_at > _TERM_S:
                    self._signal_group(signal.SIGKILL)
            time.sleep(_TICK_S)

    def _starved(self) -> bool:
        return oom_kills() > self._kills_before
