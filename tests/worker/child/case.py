"""One child of a worker, and what was heard of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.support.waiting import until
from worker.child.isolate import Child, Ended, Limits

MODULE = "tests.worker.child.children"
ENVIRON = {"PATH": os.environ["PATH"], "FARM_TOKEN": "farm_secret", "FARM_URL": "http://farm", "OMP_NUM_THREADS": "2"}


class Case:
    """One child and what was heard of it."""

    def __init__(self, workspace: Path, what: str, limits: Limits, lock: int) -> None:
        self.workspace = workspace
        self.heard: list[bytes] = []
        self.stages: list[Any] = []
        workspace.mkdir()
        (workspace / "spec.json").write_text(json.dumps(what))
        self.child = Child(
            MODULE, workspace, limits, lock, ENVIRON, self.heard.append, lambda *told: self.stages.append(told)
        )

    def run(self) -> Ended:
        self.child.start()
        return self.child.wait()

    def read(self, name: str) -> Any:
        until(lambda: (self.workspace / name).exists())
        return json.loads((self.workspace / name).read_text())

    @property
    def text(self) -> bytes:
        return b"".join(self.heard)


Make = Callable[..., Case]
