"""A farm whose machines have an old and a new ONNX Runtime, with what lives on the old one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from farm.protocol.campaigns import CampaignAsk, CampaignDetail
from farm.protocol.errors import NoEngine
from farm.protocol.facts import BackendFacts, DeviceFacts
from farm.protocol.report import BenchmarkReport, ErrorStatistics, OutputVerification, Percentiles, Verdict
from farm.protocol.states import Scope
from farm.protocol.submit import FetchAsk
from farm.protocol.views import SubmissionView
from farm.protocol.work import BuildResult, Claim
from orchestrator.services import fetching
from orchestrator.services.caller import Caller
from orchestrator.services.campaigns import starting, views
from tests.support.coordinator import Coordinator, Talker, cpu_facts

OLD, NEW = "1.19.2", "1.31.1"
ADMIN = Caller("tok-admin", "admin", Scope.ADMIN)
ASK = CampaignAsk("onnxruntime", "1.31", ("cpu",))


@dataclass
class Upgraded:
    """Two workers of one kind of machine; only `new` prepares graphs, too."""

    farm: Coordinator
    old: Talker
    new: Talker

    def live(self, name: str = "net", content: bytes = b"a model", **changed: Any) -> str:
        """Build a model on the old machine as a user; the engine."""
        asked = self.farm.submit(content, ("old",), name=name, **changed)
        while not self.engine(asked):
            self.prepare()
            claim = self.old.claim()
            assert claim is not None
            self.old.publish(claim)
        self.farm.clock.pass_s(10)
        return self.engine(asked)

    def engine(self, asked: SubmissionView) -> str:
        return self.farm.show(asked).builds[0].engine or ""

    def prepare(self) -> None:
        """Prepare whatever waits, and hand back a build that comes instead."""
        while (claim := self.new.claim()) is not None:
            if claim.build:
                self.new.release(claim)
                return
            self.new.prepare(claim)

    def start(self, **changed: Any) -> CampaignDetail:
        return starting.start(self.farm.context, replace(ASK, **changed), self.farm.user)

    def show(self, campaign: CampaignDetail) -> CampaignDetail:
        return views.show(self.farm.context, campaign.campaign.id)

    def claim(self) -> Claim:
        """The next build of the new machine."""
        while (claim := self.new.claim()) is not None:
            if claim.build:
                return claim
            self.new.prepare(claim)
        raise AssertionError("there is nothing to build")

    def build(self, **changed: Any) -> None:
        """Build the next one on the new machine, with what `told` says of it."""
        claim = self.claim()
        result = told(self.new.result(claim), **changed)
        self.new.publish(claim, files=result.files, benchmark=result.benchmark, verification=result.verification)

    def finish(self, campaign: CampaignDetail, **changed: Any) -> CampaignDetail:
        """Build all of a campaign, and let it notice."""
        for item in self.show(campaign).items:
            if item.exit_code is None:
                self.build(**changed)
        self.farm.clock.pass_s(10)
        self.farm.reconcile()
        return self.show(campaign)

    def fetched(self, facts: DeviceFacts | None = None, **changed: Any) -> str:
        """What a device is given; empty where nothing fits it."""
        ask = FetchAsk("net", facts or both())
        try:
            return fetching.fetch(self.farm.context, replace(ask, **changed)).engine
        except NoEngine:
            return ""


def upgraded(farm: Coordinator) -> Upgraded:
    old = farm.enrol("old", cpu_facts("old", OLD))
    return Upgraded(farm, replace(old, roles=(old.roles[1],)), farm.enrol("new", cpu_facts("new", NEW)))


def both() -> DeviceFacts:
    """A device that loads engines of the old and of the new version."""
    versions = (BackendFacts("onnxruntime", OLD), BackendFacts("onnxruntime", NEW))
    return replace(cpu_facts("both"), backends=versions)


def told(
    result: BuildResult, median_ms: float | None = 1.1, cv_percent: float = 1.0, error: float = 0.0
) -> BuildResult:
    """The same result with another time and another error; no median is a noisy measurement."""
    assert result.benchmark
    assert result.verification
    latency = Percentiles(*[median_ms] * 7) if median_ms else None
    measured: BenchmarkReport = replace(
        result.benchmark, latency=latency, cv_percent=cv_percent, noisy=median_ms is None
    )
    output = OutputVerification(
        "y", Verdict.PASSED, "as compared", (1,), 1e-3, 1e-3, absolute=ErrorStatistics(error, error, error)
    )
    return replace(result, benchmark=measured, verification=replace(result.verification, outputs=(output,)))
