"""When an engine that exists serves a request."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.protocol.options import BenchmarkPolicy, VerifyPolicy
from farm.protocol.report import Verdict
from orchestrator.rules.hits import Evidence, Hit, Wanted, judge

WANTED = Wanted(VerifyPolicy(), "v", BenchmarkPolicy(), "b", accept_degraded=False)
EVIDENCE = Evidence(degraded=False, quarantined=False, verdicts={"v": Verdict.PASSED}, measured=frozenset({"b"}))


@pytest.mark.parametrize(
    ("evidence", "wanted", "hit"),
    [
        (EVIDENCE, WANTED, Hit.SERVES),
        (replace(EVIDENCE, verdicts={"v": Verdict.UNVERIFIED}), WANTED, Hit.SERVES),
        (replace(EVIDENCE, verdicts={"other": Verdict.PASSED}), WANTED, Hit.REVERIFY),
        (replace(EVIDENCE, verdicts={}), replace(WANTED, verify=VerifyPolicy(enabled=False)), Hit.SERVES),
        (replace(EVIDENCE, verdicts={"v": Verdict.FAILED}), WANTED, Hit.REFUTED),
        (replace(EVIDENCE, measured=frozenset({"c"})), WANTED, Hit.REVERIFY),
        (
            replace(EVIDENCE, measured=frozenset()),
            replace(WANTED, benchmark=BenchmarkPolicy(enabled=False)),
            Hit.SERVES,
        ),
        (replace(EVIDENCE, degraded=True), WANTED, Hit.NO),
        (replace(EVIDENCE, degraded=True), replace(WANTED, accept_degraded=True), Hit.SERVES),
        (replace(EVIDENCE, quarantined=True), replace(WANTED, accept_degraded=True), Hit.NO),
    ],
)
def test_hits(evidence: Evidence, wanted: Wanted, hit: Hit) -> None:
    assert judge(evidence, wanted) is hit
