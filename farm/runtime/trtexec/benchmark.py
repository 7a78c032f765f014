"""The times that trtexec takes of an engine itself: only for who asks, and never beside those of the farm."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional

from farm.protocol.options import BenchmarkPolicy
from farm.protocol.report import BenchmarkReport

from ..benchmark import evidence
from ..benchmark.attempts import calmest
from ..benchmark.reporting import Keep, report_of
from ..values import Array

if TYPE_CHECKING:
    from .session import TrtexecSession

METHOD = "trtexec"

Evidence = Callable[[], Dict[str, Any]]


def measured(
    session: TrtexecSession,
    inputs: Mapping[str, Array],
    policy: BenchmarkPolicy,
    keep_samples: Optional[Keep] = None,
    collect: Evidence = evidence.collect,
) -> BenchmarkReport:
    """How long trtexec says that one inference takes, with the evidence and the limits of the farm's own.

    Args:
        session: The open engine; it stays open.
        inputs: One array for each input.
        policy: How long, how often, how calm.
        keep_samples: Gets all samples of the reported attempt, packed.
        collect: Asks the machine for its state, before and after each attempt.

    Raises: Invalid: the inputs do not fit. BuildFailed: trtexec cannot run the engine.
    """

    def look() -> Dict[str, Any]:
        return {**collect(), **session.evidence()}

    attempt = calmest(lambda: session.times(inputs, policy), policy, look)
    protocol = f"trtexec-1: {session.backend} {session.backend_version} {session.told(policy)}"
    report = report_of(attempt, session, inputs, policy, METHOD, protocol, keep_samples)
    return replace(report, layers=session.layers(inputs))
