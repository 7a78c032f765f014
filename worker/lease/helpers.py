"""What a lease has done by a child beside that of its work: plugins compiled, timing caches merged."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

from farm.protocol.codec import dumps
from farm.protocol.errors import BuildFailed
from farm.protocol.report import Failure
from worker.child.guard import RESULT_FILE, SPEC_FILE
from worker.child.isolate import Ended
from worker.child.untrusted import read_left

from .halt import Halt


class ChildFailed(BuildFailed):
    """Raised when a child brought no result; `failure` is why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, failure.hint)
        self.failure = failure


class Helpers:
    """Children of one lease that help with its work.

    Args:
        start: Runs a module in a folder until it ends, or its seconds are over.
        why: What to tell of a child that brought no result.
        halt: Ends them.
    """

    def __init__(
        self, start: Callable[[str, Path, float], Ended], why: Callable[[Ended, Path], Failure], halt: Halt
    ) -> None:
        self._start = start
        self._why = why
        self._halt = halt

    def result(self, module: str, folder: Path, spec: Any, deadline_s: float) -> bytes:
        """What a module leaves of `spec` in a folder that holds its inputs; nobody has looked at it yet.

        Raises: ChildFailed. OSError: it left nothing that can be read. GaveUp: the work has to stop.
        """
        (folder / SPEC_FILE).write_text(dumps(spec), encoding="utf-8")
        ended = self._start(module, folder, deadline_s)
        self._halt.check()
        if ended.status != 0:
            raise ChildFailed(self._why(ended, folder))
        return read_left(folder / RESULT_FILE)
