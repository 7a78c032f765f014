"""A child process: none of the worker's secrets, a group of its own, limits, a deadline, no life without the worker."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, List, Mapping, Optional

from .memory import oom_kills, resident_bytes
from .settings import CHILD_VARIABLES, LIFELINE_VARIABLE, PARENT_VARIABLE, STAGES_VARIABLE

log = logging.getLogger(__name__)

# After SIGTERM; a cancelled build has to be gone within two seconds.
_TERM_S = 1.0
_TICK_S = 0.1
_DRAIN_S = 5.0
_CHUNK_BYTES = 64 << 10
_LONGEST_STAGE_LINE = 4096


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
        child_ms: From its start to its end.
        peak_bytes: Most memory it was seen to hold.
    """

    status: Optional[int]
    signal: Optional[str] = None
    out_of_memory: bool = False
    timed_out: bool = False
    child_ms: float = 0.0
    peak_bytes: int = 0


def scrubbed(environ: Mapping[str, str], workspace: Path) -> dict[str, str]:
    """What a child may know of an environment: where programs and libraries are, and nothing of ours."""
    kept = {name: value for name, value in environ.items() if name.startswith(CHILD_VARIABLES)}
    home = str(workspace / "home")
    # The worker's own package, wherever it was found; the working directory is searched for none.
    places = [str(Path(__file__).resolve().parents[1]), *filter(None, [environ.get("PYTHONPATH")])]
    python = {"PYTHONPATH": os.pathsep.join(places), "PYTHONSAFEPATH": "1", "PYTHONUNBUFFERED": "1"}
    return {**kept, **python, "HOME": home, "TMPDIR": home}


class Child:
    """One child process.

    Args:
        module: Run as `python -m MODULE WORKSPACE`.
        workspace: Its working directory too.
        limits: What it may take.
        slot_lock: Descriptor that it holds as well.
        environ: Of the worker; what the child gets of it is `scrubbed`.
        log: Given what it writes, as it writes; from a thread.
        stage: Given name and detail of each stage it enters; from a thread.
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
    ) -> None:
        self._module = module
        self._workspace = workspace
        self._limits = limits
        self._slot_lock = slot_lock
        self._environ = environ
        self._log = log
        self._stage = stage
        self._lock = threading.Lock()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._lifeline: Optional[int] = None
        self._readers: List[threading.Thread] = []
        self._started_at = 0.0
        self._kills_before = 0
        self._term_at: Optional[float] = None
        self._timed_out = self._too_big = self._over = False
        self._peak_bytes = 0

    def start(self) -> None:
        """Start it. It lives no longer than this process.

        Raises: OSError: no process can be started.
        """
        (self._workspace / "home").mkdir(exist_ok=True)
        stages, stages_end = os.pipe()
        lifeline_end, self._lifeline = os.pipe()
        told = {STAGES_VARIABLE: stages_end, LIFELINE_VARIABLE: lifeline_end, PARENT_VARIABLE: os.getpid()}
        try:
            self._started_at = time.monotonic()
            self._kills_before = oom_kills()
            self._process = subprocess.Popen(
                [sys.executable, "-m", "worker.launch", self._module, str(self._workspace)],
                env={**scrubbed(self._environ, self._workspace), **{name: str(value) for name, value in told.items()}},
                cwd=str(self._workspace),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(stages_end, lifeline_end, self._slot_lock),
                start_new_session=True,
            )
        finally:
            os.close(stages_end)
            os.close(lifeline_end)
        self._read(self._read_log)
        self._read(lambda: self._read_stages(stages))
        threading.Thread(target=self._watch, name=f"watch-{self._process.pid}", daemon=True).start()

    def wait(self) -> Ended:
        """How it ended, once it and all that it started are gone."""
        process = self._running()
        # Looked at before it is collected: as long as it is not, its group cannot become somebody else's.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        child_ms = self.elapsed_ms
        with self._lock:
            self._over = True
            self._signal_group(signal.SIGKILL)
        for reader in self._readers:
            reader.join(_DRAIN_S)
        code = process.wait()
        if process.stdout is not None:
            process.stdout.close()
        if self._lifeline is not None:
            os.close(self._lifeline)
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
        with self._lock:
            if self._over or self._term_at is not None:
                return
            self._term_at = time.monotonic()
            log.info("ending child %d: %s", self._running().pid, reason)
            self._signal_group(signal.SIGTERM)

    @property
    def elapsed_ms(self) -> float:
        """How long it has existed."""
        return (time.monotonic() - self._started_at) * 1000.0

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the child was not started")
        return self._process

    def _signal_group(self, number: int) -> None:
        try:
            os.killpg(self._running().pid, number)
        except ProcessLookupError:
            return

    def _watch(self) -> None:
        """Hold it to its limits until it is over."""
        while not self._over:
            held = resident_bytes(self._running().pid)
            self._peak_bytes = max(self._peak_bytes, held)
            if self._limits.memory_bytes is not None and held > self._limits.memory_bytes and not self._too_big:
                self._too_big = True
                self.kill(f"it holds {held} bytes")
            if self.elapsed_ms > self._limits.deadline_s * 1000.0 and not self._timed_out:
                self._timed_out = True
                self.kill("its time is over")
            with self._lock:
                if self._term_at is not None and not self._over and time.monotonic() - self._term_at > _TERM_S:
                    self._signal_group(signal.SIGKILL)
            time.sleep(_TICK_S)

    def _starved(self) -> bool:
        return oom_kills() > self._kills_before

    def _read(self, work: Callable[[], None]) -> None:
        thread = threading.Thread(target=work, name=f"read-{self._running().pid}", daemon=True)
        thread.start()
        self._readers.append(thread)

    def _read_log(self) -> None:
        stream = self._running().stdout
        if stream is None:
            return
        for chunk in iter(lambda: os.read(stream.fileno(), _CHUNK_BYTES), b""):
            self._log(chunk)

    def _read_stages(self, descriptor: int) -> None:
        with os.fdopen(descriptor, "rb") as stream:
            for line in iter(lambda: stream.readline(_LONGEST_STAGE_LINE), b""):
                try:
                    told = json.loads(line)
                    self._stage(str(told["state"]), str(told.get("detail", "")))
                except (ValueError, KeyError, TypeError, AttributeError):
                    self._log(b"farm: the child told a stage that cannot be read\n")
