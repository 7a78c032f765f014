"""The times that trtexec takes of an engine itself: only for who asks, and never beside those of the farm."""

from __future__ import annotations

import hashlib
import platform
from typing import TYPE_CHECKING, Any, Callable, Dict, Mapping, Optional, Tuple

from farm.protocol.options import BenchmarkPolicy
from farm.protocol.report import BenchmarkReport

from ..benchmark import evidence
from ..benchmark.attempts import calmest
from ..benchmark.samples import pack
from ..benchmark.statistics import cv_percent, percentiles, robust_cv_percent
from ..values import Array
from .exports import Times

if TYPE_CHECKING:
    from .session import TrtexecSession

METHOD = "trtexec"

Evidence = Callable[[], Dict[str, Any]]


def measured(
    session: TrtexecSession,
    inputs: Mapping[str, Array],
    policy: BenchmarkPolicy,
    keep_samples: Optional[Callable[[bytes], object]] = None,
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
    times, told, reason, attempts = _attempts(session, inputs, policy, collect)
    stored = pack(times.latencies_ms)
    if keep_samples:
        keep_samples(stored)
    return BenchmarkReport(
        method=METHOD,
        protocol=f"trtexec-1: {session.backend} {session.backend_version} {session.told(policy)}",
        policy=policy,
        iterations=len(times.latencies_ms),
        latency=None if reason else percentiles(times.latencies_ms),
        throughput_per_s=None if reason else times.throughput_per_s,
        cv_percent=robust_cv_percent(times.latencies_ms),
        noisy=bool(reason),
        attempts=attempts,
        samples=hashlib.sha256(stored).hexdigest(),
        evidence={**told, **_circumstances(session, times, inputs)},
        layers=session.layers(inputs),
        reason=reason,
        phases={} if reason else {name: percentiles(found) for name, found in times.phases_ms.items()},
    )


def _attempts(
    session: TrtexecSession, inputs: Mapping[str, Array], policy: BenchmarkPolicy, collect: Evidence
) -> Tuple[Times, Dict[str, Any], str, int]:
    def look() -> Dict[str, Any]:
        return {**collect(), **session.evidence()}

    return calmest(lambda: session.times(inputs, policy), policy, look)


def _circumstances(session: TrtexecSession, times: Times, inputs: Mapping[str, Array]) -> Dict[str, Any]:
    return {
        "backend": f"{session.backend} {session.backend_version}",
        "kernel": platform.release(),
        "cores": evidence.cores(),
        "cv_percent_of_all_samples": cv_percent(times.latencies_ms),
        "wall_s": times.wall_ms / 1e3,
        "shapes": {name: list(array.shape) for name, array in inputs.items()},
    }
