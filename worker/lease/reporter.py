"""What a lease tells while it runs: stages in their order and log lines as they come, from a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from typing import Callable, Deque, List, Optional, Tuple

from farm.client.transport import Broken
from farm.protocol.errors import Conflict, FarmError, LeaseLost, Unavailable
from farm.protocol.states import State
from farm.protocol.work import ProgressReport, StageReport
from worker.coordinator import LeaseLine

from .patience import GaveUp, Patience

log = logging.getLogger(__name__)

_PIECE_BYTES = 256 << 10
# A child that writes faster than the network takes loses the middle of its log, not the memory of the worker.
_WAITING_BYTES = 8 << 20
_TAIL_BYTES = 4096
# Lines that come close together travel together.
_GATHER_S = 0.1
# Nobody reads faster, and each is a call.
_PROGRESS_S = 2.0


class Reporter:
    """Carries stages and log bytes to the coordinator, through its restarts, and the newest progress now and then.

    Args:
        line: Of the lease.
        patience: For calls that must arrive.
        lost: Called once when the lease turns out to be somebody else's.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        line: LeaseLine,
        patience: Patience,
        lost: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._line = line
        self._patience = patience
        self._lost = lost
        self._moved = threading.Condition()
        self._stages: Deque[StageReport] = deque()
        self._clock = clock
        self._progress: Optional[ProgressReport] = None
        self._progress_due_at = 0.0
        self._waiting: List[bytes] = []
        self._waiting_bytes = 0
        self._dropped_bytes = 0
        self._offset = 0
        self._tail = b""
        self._flushing = False
        self._busy = False
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=f"report-{line.lease.attempt}", daemon=True)
        self._thread.start()

    def stage(self, state: State, detail: str = "", child_ms: float = 0.0) -> None:
        """The work entered a stage."""
        with self._moved:
            self._stages.append(StageReport(self._line.lease.token, state, detail, child_ms))
            # It was one of the stage before.
            self._progress = None
            self._moved.notify_all()

    def progress(self, phase: str, share: Optional[float] = None) -> None:
        """The work is so far in its stage; only the newest is told."""
        with self._moved:
            self._progress = ProgressReport(self._line.lease.token, phase, share)
            self._moved.notify_all()

    def log(self, data: bytes) -> None:
        """The child wrote something."""
        with self._moved:
            self._tail = (self._tail + data)[-_TAIL_BYTES:]
            if self._waiting_bytes + len(data) > _WAITING_BYTES:
                self._dropped_bytes += len(data)
                return
            self._add(self._said_dropped() + data)
            self._moved.notify_all()

    def say(self, sentence: str) -> None:
        """A line of the worker's own."""
        self.log(f"farm: {sentence}\n".encode())

    @property
    def tail(self) -> str:
        """The last 4 kB of the log."""
        with self._moved:
            return self._tail.decode("utf-8", "replace")

    def flush(self) -> None:
        """Return when everything has arrived, or never will."""
        with self._moved:
            self._flushing = True
            self._add(self._said_dropped())
            self._moved.notify_all()
            self._moved.wait_for(lambda: self._closed or self._is_idle())
            self._flushing = False

    def close(self) -> None:
        """Send nothing more; what waits is dropped."""
        with self._moved:
            self._closed = True
            self._moved.notify_all()
        self._thread.join()

    def _is_idle(self) -> bool:
        return not (self._stages or self._waiting or self._busy)

    def _add(self, data: bytes) -> None:
        if data:
            self._waiting.append(data)
            self._waiting_bytes += len(data)

    def _said_dropped(self) -> bytes:
        if not self._dropped_bytes:
            return b""
        told, self._dropped_bytes = self._dropped_bytes, 0
        return f"\nfarm: {told} bytes of the log came too fast, or had no room, and are missing here\n".encode()

    def _run(self) -> None:
        try:
            while self._send_next():
                pass
        except LeaseLost:
            self._lost()
        except GaveUp:
            log.info("stopped reporting of %s", self._line.lease.attempt)
        except FarmError as error:
            # The coordinator refuses what we tell; the work itself may still be good.
            log.error("the coordinator refuses reports of %s: %s", self._line.lease.attempt, error)
        with self._moved:
            self._closed, self._busy = True, False
            self._moved.notify_all()

    def _send_next(self) -> bool:
        stage, data, progress = self._take()
        if stage is not None:
            self._patience.call(lambda: self._line.stage(stage), "reporting a stage", self._is_open)
        elif data:
            self._patience.call(lambda: self._send_log(data), "sending the log", self._is_open)
        elif progress is not None:
            self._send_progress(progress)
        with self._moved:
            self._busy = False
            self._moved.notify_all()
            return not self._closed

    def _take(self) -> Tuple[Optional[StageReport], bytes, Optional[ProgressReport]]:
        with self._moved:
            self._wait_for_something()
            if not self._closed and not self._stages:
                self._moved.wait_for(lambda: self._closed or self._flushing or self._stages, _GATHER_S)
            if self._closed:
                return None, b"", None
            self._busy = True
            if self._stages:
                return self._stages.popleft(), b"", None
            # Before the log: what a build writes without end must not keep it back.
            if self._progress is not None and self._progress_in_s() <= 0:
                told, self._progress = self._progress, None
                self._progress_due_at = self._clock() + _PROGRESS_S
                return None, b"", told
            gathered = b"".join(self._waiting)
            data, rest = gathered[:_PIECE_BYTES], gathered[_PIECE_BYTES:]
            self._waiting, self._waiting_bytes = ([rest] if rest else []), len(rest)
            return None, data, None

    def _wait_for_something(self) -> None:
        while not (self._closed or self._stages or self._waiting):
            if self._progress is None:
                self._moved.wait()
                continue
            in_s = self._progress_in_s()
            if in_s <= 0:
                return
            self._moved.wait(in_s)

    def _progress_in_s(self) -> float:
        """When the next progress may be told."""
        return self._progress_due_at - self._clock()

    def _send_progress(self, told: ProgressReport) -> None:
        try:
            self._line.progress(told)
        except LeaseLost:
            raise
        except FarmError as error:
            # The next one says more, and nothing depends on it.
            log.debug("a progress of %s was lost: %s", self._line.lease.attempt, error)

    def _send_log(self, data: bytes) -> None:
        try:
            self._offset = self._line.log(self._offset, data)
        except (LeaseLost, Broken, Unavailable):
            raise
        except Conflict as error:
            # A coordinator that lost its newest log, such as after a restore: what is there stays, we go on behind it.
            where = error.details.get("offset")
            if not isinstance(where, int):
                raise
            self._offset = self._line.log(where, data)
        except FarmError as error:
            self._miss(data, error)

    def _miss(self, data: bytes, error: FarmError) -> None:
        """Go on without a piece that the coordinator cannot keep: a build, and its stages, are worth more."""
        log.warning("the log of %s has a gap: %s", self._line.lease.attempt, error.message)
        where = error.details.get("offset")
        with self._moved:
            self._offset = where if isinstance(where, int) else self._offset
            self._dropped_bytes += len(data)

    def _is_open(self) -> bool:
        return not self._closed
