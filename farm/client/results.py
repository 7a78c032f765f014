"""What came out of a submission: for each target its engine with verification and benchmark, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from farm.protocol.errors import NotFound
from farm.protocol.report import BenchmarkReport, Failure, VerificationReport
from farm.protocol.states import State
from farm.protocol.views import BuildView, EngineDetail, RequestView

from .transport import Transport, segment


@dataclass(frozen=True)
class TargetResult:
    """One target of a submission with all that is known about it.

    Attributes:
        build: The build that made the engine, or failed; None where it is no longer stored.
        saved_s: What the work cost when it was done for somebody else; None where nothing was saved.
    """

    request: RequestView
    build: Optional[BuildView] = None
    engine: Optional[EngineDetail] = None
    saved_s: Optional[float] = None

    @property
    def verification(self) -> Optional[VerificationReport]:
        """The newest verification as this submission asked for it, else the newest."""
        return self.engine.verifications[0] if self.engine and self.engine.verifications else None

    @property
    def benchmark(self) -> Optional[BenchmarkReport]:
        """The newest benchmark as this submission asked for it, else the newest."""
        return self.engine.benchmarks[0] if self.engine and self.engine.benchmarks else None

    @property
    def failure(self) -> Optional[Failure]:
        """Why the build failed."""
        return self.build.failure if self.build else None


def results(transport: Transport, requests: Sequence[RequestView]) -> Tuple[TargetResult, ...]:
    """One result for each target, in the order they were asked for."""
    return tuple(_result(transport, request) for request in requests)


def _result(transport: Transport, request: RequestView) -> TargetResult:
    build = engine = None
    if request.build:
        try:
            build = transport.value(BuildView, "GET", f"/builds/{segment(request.build)}")
        except NotFound:
            build = None
    # A quarantined build has an engine that the request does not get: its numbers say why.
    made = request.engine or (build.engine if build else None)
    if made:
        try:
            engine = transport.value(EngineDetail, "GET", f"/engines/{segment(made)}", params={"request": request.id})
        except NotFound:
            engine = None
    saved_s = _work_s(build) if request.state is State.CACHED and build else None
    return TargetResult(request, build, engine, saved_s)


def _work_s(build: BuildView) -> Optional[float]:
    spent_ms = sum(attempt.child_ms for attempt in build.attempts)
    return spent_ms / 1000 if spent_ms else None
