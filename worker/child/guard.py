"""What every child does around its work: the child protocol of docs/architecture.md, seen from inside.

Exit 0 with `result.json`: done. Exit 1 with `failure.json`: failed, for a reason the child could tell. Anything else is
a crash, whose reason the parent finds. Either file appears in one step, so that a child killed while writing left none.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, Callable, Optional, Type, TypeVar

from farm.protocol.codec import dumps, loads
from farm.protocol.errors import FarmError, Invalid, Unsupported
from farm.protocol.report import Failure, FailureKind
from farm.protocol.states import State
from worker.settings import failpoints, inputs_descriptor

from .failpoints import Failpoints, parse

Work = TypeVar("Work")

RESULT_FILE = "result.json"
FAILURE_FILE = "failure.json"
SPEC_FILE = "spec.json"
# In `input/` of a build; what a preparation leaves in `output/`, or is given by the author of a model.
INPUTS_FILE = "reference_inputs.npz"
OUTPUTS_FILE = "reference_outputs.npz"
CALIBRATION_FILE = "calibration.npz"
_LONGEST_PHASE = 200
_NO_INPUTS = 3


class Stages:
    """Tells the parent which stage begins, one JSON line each, and remembers the last.

    Args:
        descriptor: Where to; None tells only the log.
        first: The stage that anything before the first `enter` belongs to.
        faults: Strike once a stage was told.
    """

    def __init__(self, descriptor: Optional[int], first: State, faults: Optional[Failpoints] = None) -> None:
        self.current = first
        self._descriptor = descriptor
        self._faults = faults or Failpoints({})

    def enter(self, state: State, detail: str = "") -> None:
        """A stage begins."""
        self.current = state
        logging.getLogger(__name__).info("-- %s%s", state, f": {detail}" if detail else "")
        if self._descriptor is not None:
            os.write(self._descriptor, (json.dumps({"state": str(state), "detail": detail}) + "\n").encode())
        self._faults.strike(state)

    __call__ = enter

    def progress(self, phase: str, share: Optional[float] = None) -> None:
        """The stage is so far. Told as often as a person can read, which is the caller's care."""
        if self._descriptor is not None:
            told = {"progress": phase[:_LONGEST_PHASE], "share": share}
            # Called from inside native code, where an error would end the process; the worker's end does so anyway.
            with suppress(OSError):
                os.write(self._descriptor, (json.dumps(told) + "\n").encode())


def guard(
    kind: Type[Work],
    work: Callable[[Work, Path, Stages], Any],
    first: State,
    workspace: Path,
    descriptor: Optional[int],
    get_ready: Optional[Callable[[Work, Path], None]] = None,
) -> int:
    """Do the work of `spec.json` and leave its result, or its failure; the exit status of the process.

    Args:
        kind: What `spec.json` holds.
        work: Gets it with the workspace and what tells stages; its value becomes `result.json`.
        first: The stage that work begins in.
        workspace: As the protocol lays it out.
        descriptor: Where stages are told to; None tells only the log.
        get_ready: Does beforehand what needs no inputs, which may still be on their way.
    """
    # The standard output is the parent's log: one line for each message, at once.
    logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(message)s")
    stages = Stages(descriptor, first, Failpoints(parse(failpoints())))
    try:
        spec = loads(kind, (workspace / SPEC_FILE).read_bytes())
        if get_ready is not None:
            get_ready(spec, workspace)
        _await_inputs(inputs_descriptor())
        told = work(spec, workspace, stages)
        _write(workspace / RESULT_FILE, told)
    except Exception as error:  # whatever it is, the parent is told
        # An error of ours with nothing behind it is one sentence.
        if isinstance(error, FarmError) and error.__cause__ is None:
            logging.getLogger(__name__).error("%s", error)
        else:
            traceback.print_exc()
        _write(workspace / FAILURE_FILE, failure_from_error(error, stages.current))
        return 1
    return 0


def _await_inputs(descriptor: Optional[int]) -> None:
    """Return when the inputs are there; where they never will be, this process ends."""
    if descriptor is None:
        return
    came = os.read(descriptor, 1)
    os.close(descriptor)
    if not came:
        raise SystemExit(_NO_INPUTS)


def failure_from_error(error: Exception, stage: State) -> Failure:
    """What the parent is told of an error."""
    if isinstance(error, FarmError):
        return Failure(_kind(error), stage, error.message, error.hint)
    if isinstance(error, MemoryError):
        text = " ".join(str(error).split())
        return Failure(
            FailureKind.OUT_OF_MEMORY,
            stage,
            f"not enough memory: {text[:300]}" if text else "not enough memory",
            "Free memory on the device, or raise the limit of its builds.",
        )
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return Failure(FailureKind.FAILED, stage, text[:600], "The log of the attempt has the whole message.")


def _kind(error: FarmError) -> FailureKind:
    if isinstance(error, Unsupported):
        return FailureKind.UNSUPPORTED
    return FailureKind.INVALID if isinstance(error, Invalid) else FailureKind.FAILED


def _write(path: Path, told: Any) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(dumps(told), encoding="utf-8")
    os.replace(str(partial), str(path))
