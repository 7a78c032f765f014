"""One child of either executor, and what was heard of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from farm.protocol.target import BuildTarget
from tests.support.waiting import until
from worker.child.executor import Executor, Hears
from worker.child.isolate import Ended, Limits

MODULE = "tests.containers.children"
# Of a machine under load, whose engine takes seconds to make a container.
PATIENCE_S = 180.0


class Case:
    """One child and what was heard of it."""

    def __init__(
        self,
        executor: Executor,
        workspace: Path,
        what: str,
        deadline_s: float = 120.0,
        memory_bytes: int | None = None,
        target: BuildTarget | None = None,
    ) -> None:
        self.workspace = workspace
        self.heard: list[bytes] = []
        self.stages: list[Any] = []
        self.progress: list[Any] = []
        for name in ("input", "output"):
            (workspace / name).mkdir(parents=True)
        (workspace / "spec.json").write_text(json.dumps(what))
        (workspace / "input/model.onnx").write_text("model")
        hears = Hears(
            self.heard.append, lambda *told: self.stages.append(told), lambda *told: self.progress.append(told)
        )
        self.child = executor.child(MODULE, workspace, Limits(deadline_s, memory_bytes), hears, target)

    def run(self) -> Ended:
        self.child.start()
        return self.child.wait()

    @property
    def text(self) -> str:
        return b"".join(self.heard).decode(errors="replace")

    def await_line(self, line: str) -> None:
        until(lambda: line in self.text, PATIENCE_S, f"{line!r} was not told: {self.heard}")

    def told(self) -> Any:
        """The last line, which is JSON."""
        return json.loads(self.text.splitlines()[-1])
