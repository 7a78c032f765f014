"""A coordinator without its HTTP: real database, real blobs, a clock that a test moves, workers that only talk."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from farm.protocol.facts import BackendFacts, CpuFacts, DeviceFacts, GpuFacts
from farm.protocol.model import GRAPH_FILE, FileRef, ModelManifest
from farm.protocol.plugins import DEFAULT_TRUST_GROUP, LIBRARY_FOLDER, library_name
from farm.protocol.report import (
    BenchmarkReport,
    Failure,
    FailureKind,
    OutputVerification,
    Percentiles,
    Verdict,
    VerificationReport,
)
from farm.protocol.requirement import requirement_from_target
from farm.protocol.states import Role, Scope, State
from farm.protocol.submit import SubmitAsk
from farm.protocol.views import SubmissionView
from farm.protocol.work import (
    Beat,
    BuildResult,
    BuildWork,
    Claim,
    ClaimAsk,
    Control,
    Enrolment,
    FailureReport,
    PreparationResult,
    Prepared,
    StageReport,
)
from orchestrator.blobs.disk import DiskStore
from orchestrator.queue.no_wakeups import NoWakeups
from orchestrator.services import (
    builds,
    claiming,
    ending,
    enrolment,
    leases,
    preparations,
    reconciler,
    submissions,
    tokens,
)
from orchestrator.services.blob_port import BlobStat
from orchestrator.services.caller import Caller
from orchestrator.services.context import Context
from orchestrator.services.policy import Policy
from orchestrator.services.published import Published
from orchestrator.store.database import Database
from orchestrator.store.livelogs import FileLogs
from orchestrator.store.migrate import migrate

START = 1_700_000_000.0


class MovingClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def pass_s(self, seconds: float) -> None:
        self.now += seconds


def cpu_facts(
    hostname: str = "box", version: str = "1.31.1", sets: tuple[str, ...] = ("avx2", "avx512f")
) -> DeviceFacts:
    """A machine that builds for its processor and prepares graphs."""
    return DeviceFacts(
        hostname=hostname,
        platform="linux-x86_64",
        os="Debian 12",
        libc="glibc-2.36",
        python="3.11.2",
        cpu=CpuFacts("AMD EPYC 9654", 2, ("avx2", "avx512f")),
        memory_bytes=24 << 30,
        backends=(BackendFacts("onnxruntime", version),),
        host_tools={"onnx": "1.23.2", "onnxslim": "0.1.98"},
    )


def gpu_facts(name: str = "NVIDIA H200", capability: str = "9.0", version: str = "8.5.3.1") -> DeviceFacts:
    """A machine with one card and TensorRT."""
    return replace(
        cpu_facts("gpu"),
        gpus=(GpuFacts(name, capability, 150109880320, 132),),
        backends=(BackendFacts("tensorrt", version),),
        driver="580.159.04",
        cuda="13.0",
        host_tools={},
    )


@dataclass
class Talker:
    """A worker that says all a worker says and runs nothing: what it publishes are real blobs of a few bytes.

    `operators` is what it finds in each graph that a plugin must compute.
    """

    context: Context
    caller: Caller
    roles: tuple[Role, ...]
    slot: str = "cpu0"
    nonces: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    operators: tuple[str, ...] = ()

    def claim(self, nonce: str | None = None, hint: str | None = None, slot: str | None = None) -> Claim | None:
        ask = ClaimAsk(slot or self.slot, self.roles, nonce or f"{self.caller.device}-{next(self.nonces)}", hint)
        return claiming.claim(self.context, self.caller, ask)

    def claim_build(self) -> Claim:
        """Prepare the model that waits, and claim the build that waited for it; both must be there."""
        preparing = self.claim()
        assert preparing
        self.prepare(preparing)
        building = self.claim()
        assert building
        assert building.build
        return building

    def beat(self, claim: Claim) -> Control:
        return leases.beat(self.context, self.caller, claim.lease.attempt, Beat(claim.lease.token))

    def stage(self, claim: Claim, state: State) -> None:
        leases.stage(self.context, self.caller, claim.lease.attempt, StageReport(claim.lease.token, state))

    def prepare(self, claim: Claim) -> str:
        work = claim.preparation
        assert work is not None
        stored = self.context.blobs.put_bytes(b"inputs of " + work.preparation.encode())
        made = Prepared(
            work.model.files,
            (),
            (),
            stored.sha256,
            stored.sha256,
            "onnxruntime 1.31.1",
            plugin_operators=self.operators,
        )
        result = PreparationResult(claim.lease.token, made, 12.0)
        return preparations.prepared(self.context, self.caller, claim.lease.attempt, result)

    def result(
        self, claim: Claim, verdict: Verdict = Verdict.PASSED, noisy: bool = False, **changed: Any
    ) -> BuildResult:
        work = claim.build
        assert work is not None
        stored = self.context.blobs.put_bytes(b"engine of " + claim.lease.attempt.encode())
        output = OutputVerification("y", verdict, "as compared", (1,), 1e-3, 1e-3)
        latency = None if noisy else Percentiles(1.0, 1.1, 1.1, 1.2, 1.3, 1.4, 1.5)
        measured = BenchmarkReport("farm", "1", work.benchmark, 10, latency, 900.0, 50.0 if noisy else 1.0, noisy)
        result = BuildResult(
            token=claim.lease.token,
            files=() if work.reuse else self._files(work, stored),
            inputs=(),
            outputs=(),
            requirement=requirement_from_target(work.key.target),
            effective={},
            verification=VerificationReport(verdict, "onnxruntime", (output,), work.verify),
            benchmark=measured if verdict is not Verdict.FAILED and work.benchmark.enabled else None,
            child_ms=1500.0,
        )
        return replace(result, **changed)

    def _files(self, work: BuildWork, stored: BlobStat) -> tuple[FileRef, ...]:
        named = ("engine.onnx", *(f"{LIBRARY_FOLDER}/{library_name(name)}" for name in work.key.plugins))
        return tuple(FileRef(name, stored.size_bytes, stored.sha256) for name in named)

    def publish(
        self, claim: Claim, verdict: Verdict = Verdict.PASSED, noisy: bool = False, **changed: Any
    ) -> Published:
        result = self.result(claim, verdict, noisy, **changed)
        return builds.publish(self.context, self.caller, claim.lease.attempt, result)

    def fail(self, claim: Claim, kind: FailureKind = FailureKind.FAILED) -> None:
        failure = Failure(kind, State.BUILDING, "the parser refused it")
        ending.fail(self.context, self.caller, claim.lease.attempt, FailureReport(claim.lease.token, failure))

    def release(self, claim: Claim) -> None:
        ending.release(self.context, self.caller, claim.lease.attempt, claim.lease.token, "stopping")

    def serve(self) -> list[str]:
        """Claim and complete whatever there is; the ids of the work in its order."""
        done = []
        while (claim := self.claim()) is not None:
            if claim.preparation:
                done.append(self.prepare(claim))
            elif claim.build:
                self.publish(claim)
                done.append(claim.build.build)
        return done


class Coordinator:
    """The services over one database."""

    def __init__(self, url: str, folder: Path, policy: Policy | None = None) -> None:
        migrate(url)
        self.clock = MovingClock()
        self.context = Context(
            database=Database(url),
            blobs=DiskStore(folder / "blobs", reserve_bytes=0),
            logs=FileLogs(folder / "logs"),
            wakeups=NoWakeups(),
            clock=self.clock,
            policy=policy or Policy(),
        )
        self.user = Caller("tok-user", "user", Scope.SUBMIT)

    def enrol(
        self,
        name: str = "box",
        facts: DeviceFacts | None = None,
        roles: tuple[Role, ...] = (Role.HOST, Role.DEVICE),
        slots: tuple[str, ...] = ("cpu0",),
        trust_group: str = DEFAULT_TRUST_GROUP,
    ) -> Talker:
        """A device with a token of its own."""
        made = tokens.create(self.context, name, Scope.WORKER, trust_group=trust_group)
        caller = Caller(made.token.id, name, Scope.WORKER, device=name, trust_group=trust_group)
        enrolment.enrol(self.context, Enrolment(name, facts or cpu_facts(name), roles, slots, (), trust_group), caller)
        return Talker(self.context, caller, roles, slots[0])

    def model(self, content: bytes = b"a model") -> ModelManifest:
        """A model whose graph has these bytes; nothing here parses it."""
        stored = self.context.blobs.put_bytes(content)
        return ModelManifest((FileRef(GRAPH_FILE, stored.size_bytes, stored.sha256),))

    def ask(self, content: bytes = b"a model", targets: tuple[str, ...] = ("cpu",), **changed: Any) -> SubmitAsk:
        return replace(SubmitAsk("net", self.model(content), targets), **changed)

    def submit(
        self, content: bytes = b"a model", targets: tuple[str, ...] = ("cpu",), **changed: Any
    ) -> SubmissionView:
        return submissions.submit(self.context, self.ask(content, targets, **changed), self.user)

    def show(self, submission: SubmissionView) -> SubmissionView:
        return submissions.show(self.context, submission.id)

    def states(self, submission: SubmissionView) -> list[State]:
        return [item.state for item in self.show(submission).builds]

    def reconcile(self) -> reconciler.Round:
        return reconciler.reconcile(self.context)


@contextmanager
def coordinator(url: str, folder: Path, policy: Policy | None = None) -> Iterator[Coordinator]:
    """A coordinator until the end of the block."""
    made = Coordinator(url, folder, policy)
    try:
        yield made
    finally:
        made.context.database.close()
