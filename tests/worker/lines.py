"""A lease whose coordinator is a script: what it hears is kept, what it answers is told by the test."""

from __future__ import annotations

import threading
from collections.abc import Callable

from farm.client.transport import Transport
from farm.protocol.work import Control, FailureReport, Lease, ProgressReport, StageReport
from worker.coordinator import LeaseLine


class ScriptedLine(LeaseLine):
    """Hears what a lease says. `before` is called with each word and may raise what a coordinator would answer."""

    def __init__(self, before: Callable[[str], None] = lambda word: None) -> None:
        transport = Transport("http://127.0.0.1:9", "token")
        super().__init__(Lease("att-1", 7, 3.0), transport, transport)
        self.before = before
        self.heard: list[tuple[str, object]] = []
        self.text = b""
        self.control = Control()
        self.wanted = threading.Event()

    def beat(self, wait_s: float) -> Control:
        self.before("beat")
        self.wanted.wait(wait_s)
        return self.control

    def stage(self, report: StageReport) -> None:
        self.before("stage")
        self.heard.append(("stage", report.state))

    def progress(self, report: ProgressReport) -> None:
        self.before("progress")
        self.heard.append(("progress", (report.phase, report.share)))

    def log(self, offset: int, data: bytes) -> int:
        self.before("log")
        # A repeat of what arrived adds nothing, as at the coordinator.
        self.text = self.text[:offset] + data
        self.heard.append(("log", len(data)))
        return len(self.text)

    def fail(self, report: FailureReport) -> None:
        self.before("fail")
        self.heard.append(("fail", report.failure))

    def release(self, reason: str) -> None:
        self.before("release")
        self.heard.append(("release", reason))
