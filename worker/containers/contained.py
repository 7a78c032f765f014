"""One child in a container of its own, which the worker sees as it sees any other child."""

from __future__ import annotations

import logging
import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, List, Optional

from farm.protocol.codec import loads
from farm.protocol.errors import FarmError
from worker.child.executor import Hears
from worker.child.isolate import Ended, Limits
from worker.child.listener import StageLines
from worker.child.memory import oom_kills

from .arrivals import Arrivals
from .box import Box, engine_options
from .engine import Engine, raw_socket, refusals, remove
from .frames import DATA, END, ENDED, FILE, GO_ON, LOG, STAGE, Frames, order
from .runner import order_of

if TYPE_CHECKING:
    from docker.models.containers import Container

    from docker import DockerClient

log = logging.getLogger(__name__)

_RUNNER = ("python3", "-m", "worker.containers.runner")
_ATTACH = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
_STDERR = 2
# The runner ends its child within a second, and then itself.
_FORCE_S = 1.4
# For the runner, which holds the child to its deadline, to tell what it left.
_LATER_S = 60.0


class ContainedChild:
    """A child in a container.

    Args:
        engine: Makes the container.
        box: What it may have.
        module: Run in it as `python -m MODULE WORKSPACE`.
        workspace: The container reads it, and what it leaves is written here.
        limits: What the child may take.
        hears: See there.
    """

    def __init__(self, engine: Engine, box: Box, module: str, workspace: Path, limits: Limits, hears: Hears) -> None:
        self._engine = engine
        self._box = box
        self._module = module
        self._workspace = workspace
        self._limits = limits
        self._hears = hears
        self._arrivals = Arrivals(workspace, box.scratch_bytes)
        self._lock = threading.Lock()
        self._client: Optional[DockerClient] = None
        self._attached: Any = None
        self._socket: Any = None
        self._container: Optional[Container] = None
        self._timers: List[threading.Timer] = []
        self._told: Optional[Ended] = None
        self._wrong: Optional[Exception] = None
        self._killed = self._late = self._over = False
        self._kills_before = 0
        self._started_at = 0.0

    def start(self, early: bool = False) -> None:
        """See `Running`. Raises: OSError: the engine makes no such container."""
        self._kills_before = oom_kills()
        self._started_at = time.monotonic()
        let_read(self._workspace)
        command = [*_RUNNER, order_of(self._module, self._limits, early)]
        try:
            with refusals("no container can be started"):
                self._client = self._engine.open()
                options = engine_options(self._box, command, self._workspace)
                self._container = self._client.containers.create(**options)
                self._attached = self._container.attach_socket(params=_ATTACH)
                self._socket = raw_socket(self._attached)
                self._container.start()
        except FarmError as error:
            self._clean()
            raise OSError(error.message) from error
        self._listener = threading.Thread(target=self._listen, name=f"box-{self._container.short_id}", daemon=True)
        self._listener.start()
        if not early:
            self._count_time()

    def go_on(self) -> None:
        """See `Running`."""
        let_read(self._workspace)
        self._started_at = time.monotonic()
        self._count_time()
        self._say(order(GO_ON))

    def wait(self) -> Ended:
        """See `Running`. Raises: OSError: what it left could not be written."""
        self._listener.join()
        child_ms = (time.monotonic() - self._started_at) * 1000.0
        with self._lock:
            self._over = True
        for timer in self._timers:
            timer.cancel()
        self._clean()
        if isinstance(self._wrong, OSError):
            raise self._wrong
        if self._told is not None and self._wrong is None:
            return self._told
        starved = not self._killed and not self._late and oom_kills() > self._kills_before
        return Ended(None, "SIGKILL", out_of_memory=starved, timed_out=self._late, child_ms=child_ms)

    def kill(self, reason: str) -> None:
        """See `Running`."""
        with self._lock:
            if self._over or self._killed:
                return
            self._killed = True
        log.info("ending container %s: %s", self._container.short_id if self._container else "?", reason)
        self._say(order(END, reason=reason[:200]))
        self._after(_FORCE_S, self._force)

    def _count_time(self) -> None:
        self._after(self._limits.deadline_s + _LATER_S, self._end_late)

    def _end_late(self) -> None:
        self._late = True
        self._force()

    def _force(self) -> None:
        """End it from outside, whatever its runner does."""
        # The connection of this child is busy with listening.
        with suppress(FarmError), self._engine.client() as client:
            if not self._over and self._container is not None:
                with refusals("the container cannot be ended"):
                    client.containers.get(str(self._container.id)).kill()

    def _after(self, seconds: float, do: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, do)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    def _say(self, line: bytes) -> None:
        with suppress(OSError):  # it is over, which `wait` tells
            self._socket.sendall(line)

    def _listen(self) -> None:
        """Hear the container until it is gone."""
        from docker.utils.socket import frames_iter

        stages = StageLines(self._hears.stage, self._hears.log, self._hears.progress)
        frames = Frames(
            {
                LOG: self._hears.log,
                STAGE: lambda line: stages.feed(line + b"\n"),
                FILE: self._arrivals.begin,
                DATA: self._arrivals.take,
                ENDED: self._end_told,
            }
        )
        try:
            for stream, data in frames_iter(self._attached, tty=False):  # type: ignore[no-untyped-call]
                if stream == _STDERR:
                    self._hears.log(data)
                else:
                    frames.feed(data)
            self._arrivals.close()
        except (FarmError, OSError, ValueError) as error:
            self._wrong = error
            self._hears.log(f"farm: the container is ended: {error}\n".encode())
            self._force()

    def _end_told(self, data: bytes) -> None:
        self._arrivals.close()
        self._told = loads(Ended, data)

    def _clean(self) -> None:
        try:
            with refusals("a container cannot be removed"):
                for opened in (self._socket, self._attached):
                    if opened is not None:
                        opened.close()
                if self._container is not None:
                    remove(self._container)
                if self._client is not None:
                    self._client.close()
        except FarmError as error:
            log.warning("%s", error)


def let_read(workspace: Path) -> None:
    """Let the user of containers in where a worker is root. The folder above stays closed: no mount needs it."""
    if os.geteuid() == 0:
        for path in (workspace, *workspace.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() else path.stat().st_mode | 0o444)
