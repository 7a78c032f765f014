"""Hears what a child writes, log and stages, in one thread, until it is told that nobody is left to write."""

from __future__ import annotations

import os
import select
import threading
from typing import Any, Callable, Dict, Optional

from farm.protocol.plainjson import parse

_CHUNK_BYTES = 64 << 10
_LONGEST_STAGE_LINE = 4096
_MOST_STAGES = 1000

Progress = Callable[[str, Optional[float]], None]
# What may still lie in pipes when their writers are gone, with room to spare.
_REST_BYTES = 4 << 20


class StageLines:
    """Takes bytes, tells whole lines that are stages or progress in one, and names the others in the log.

    Args:
        stage: Given name and detail.
        log: Given a sentence about what is no stage.
        progress: Given a phase, and the share of its steps that is done where the child counts them.
    """

    def __init__(
        self, stage: Callable[[str, str], None], log: Callable[[bytes], None], progress: Optional[Progress] = None
    ) -> None:
        self._stage = stage
        self._log = log
        self._progress = progress
        self._begun = b""
        self._told = 0

    def feed(self, data: bytes) -> None:
        """More of it."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self._tell(line)
        # A line without an end is kept only as far as to know that it is too long.
        self._begun = self._begun[: _LONGEST_STAGE_LINE + 1]

    def _tell(self, line: bytes) -> None:
        if self._told > _MOST_STAGES:
            return
        try:
            told = parse(line[: _LONGEST_STAGE_LINE + 1])
            if "progress" in told:
                phase, share = str(told["progress"]), _share(told.get("share"))
                if self._progress is not None:
                    self._progress(phase, share)
                return
            name, detail = str(told["state"]), str(told.get("detail", ""))
        except (ValueError, KeyError, TypeError, AttributeError):
            self._count()
            self._log(b"farm: the child told a stage that cannot be read\n")
            return
        if self._count():
            self._stage(name, detail)

    def _count(self) -> bool:
        """One more stage; False when it is one too many."""
        self._told += 1
        if self._told == _MOST_STAGES + 1:
            self._log(b"farm: the child tells too many stages; further ones are not heard\n")
        return self._told <= _MOST_STAGES


def _share(told: Any) -> Optional[float]:
    """From 0 to 1. Raises: TypeError, ValueError: it is no number."""
    return None if told is None else min(max(float(told), 0.0), 1.0)


class Listener(threading.Thread):
    """Listens from `start` to `finish`. The descriptors are its own, and closed by nobody else.

    Args:
        output: Read end of what the child writes for people.
        stages: Read end of what it writes for us.
        log: Given pieces of the log.
        stage: Given name and detail of stages.
        progress: As `StageLines`.
    """

    def __init__(
        self,
        output: int,
        stages: int,
        log: Callable[[bytes], None],
        stage: Callable[[str, str], None],
        progress: Optional[Progress] = None,
    ) -> None:
        super().__init__(name=f"listen-{output}", daemon=True)
        self._takers: Dict[int, Callable[[bytes], None]] = {output: log, stages: StageLines(stage, log, progress).feed}
        self._ending, self._end = os.pipe()

    def run(self) -> None:
        """Listen."""
        poll = select.poll()
        for descriptor in (*self._takers, self._ending):
            os.set_blocking(descriptor, False)
            poll.register(descriptor, select.POLLIN)
        try:
            while True:
                ready = [descriptor for descriptor, _ in poll.poll()]
                if self._ending in ready:
                    break
                for descriptor in ready:
                    if not self._take(descriptor):
                        poll.unregister(descriptor)
            for descriptor in self._takers:
                self._take_rest(descriptor)
        finally:
            for descriptor in (*self._takers, self._ending):
                os.close(descriptor)

    def finish(self, timeout_s: float) -> None:
        """Take what has been written and end; waits for that so long, if a taker takes its time."""
        os.close(self._end)
        self.join(timeout_s)

    def _take(self, descriptor: int) -> int:
        """How many bytes it was; 0 at the end."""
        data = os.read(descriptor, _CHUNK_BYTES)
        if data:
            self._takers[descriptor](data)
        return len(data)

    def _take_rest(self, descriptor: int) -> None:
        left = _REST_BYTES
        try:
            while left > 0:
                taken = self._take(descriptor)
                if not taken:
                    return
                left -= taken
        except BlockingIOError:  # somebody holds it open and writes nothing
            return
