"""Whether an engine that exists is what a request asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from farm.protocol.options import BenchmarkPolicy, VerifyPolicy
from farm.protocol.report import Verdict


@dataclass(frozen=True)
class Evidence:
    """What is known about one engine with the right key.

    Attributes:
        verdicts: Policy digest to the newest verdict under it.
        measured: Digests of the benchmark policies under which there is a measurement that was not noisy.
    """

    degraded: bool
    quarantined: bool
    verdicts: Mapping[str, Verdict]
    measured: frozenset[str]


@dataclass(frozen=True)
class Wanted:
    """What the request asks beside the key, with the digests under which rows are stored."""

    verify: VerifyPolicy
    verify_digest: str
    benchmark: BenchmarkPolicy
    benchmark_digest: str
    accept_degraded: bool


class Hit(Enum):
    """How an engine serves a request."""

    SERVES = "as it is"
    REVERIFY = "once it is verified or measured under this policy"
    REFUTED = "it failed this very verification"
    NO = "not at all"


def judge(evidence: Evidence, wanted: Wanted) -> Hit:
    """Whether the engine is a hit."""
    if evidence.quarantined or (evidence.degraded and not wanted.accept_degraded):
        return Hit.NO
    verdict = evidence.verdicts.get(wanted.verify_digest)
    if verdict is Verdict.FAILED:
        return Hit.REFUTED
    verified = verdict is not None or not wanted.verify.enabled
    measured = not wanted.benchmark.enabled or wanted.benchmark_digest in evidence.measured
    return Hit.SERVES if verified and measured else Hit.REVERIFY
