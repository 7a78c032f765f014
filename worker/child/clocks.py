"""How a child learns whether the clocks of its card are locked: it may not do so itself, its worker may.

The child enters the stage `benchmarking` and waits; the worker locks them, or does not, and leaves the answer in the
workspace. It lets them go when the child has ended, however that was.
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any, Dict, Mapping

CLOCKS_FILE = "clocks.json"
_LONGEST_S = 20.0
_STEP_S = 0.01


def answer(workspace: Path, told: Mapping[str, Any]) -> None:
    """Leave the answer, in one step. Raises: OSError."""
    part = workspace / (CLOCKS_FILE + ".part")
    # The child may have put a link there, which is not followed.
    descriptor = os.open(str(part), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(dict(told), stream)
    os.replace(str(part), str(workspace / CLOCKS_FILE))


def await_answer(workspace: Path, has_worker: bool, longest_s: float = _LONGEST_S) -> Dict[str, Any]:
    """The answer: `locked`, and to what, or the `reason` why not.

    Args:
        workspace: Of the child.
        has_worker: False where a person started the child: nobody would answer.
        longest_s: To wait; locking takes the driver a moment.
    """
    path = workspace / CLOCKS_FILE
    deadline = time.monotonic() + (longest_s if has_worker else 0.0)
    while not path.exists():
        if time.monotonic() >= deadline:
            return {"locked": False, "reason": "there is no worker that could lock the clocks"}
        time.sleep(_STEP_S)
    told = json.loads(path.read_text(encoding="utf-8"))
    return {**told, "locked": bool(told["locked"])}
