"""A measurement as a report, in one form whoever took the times."""

from __future__ import annotations

import hashlib
import platform
from typing import Any, Callable, Dict, Mapping, Optional

from farm.protocol.options import BenchmarkPolicy
from farm.protocol.report import BenchmarkReport
from farm.protocol.samples import pack

from ..session import Session
from . import evidence
from .attempts import Attempt
from .protocol import Samples
from .statistics import cv_percent, percentiles, robust_cv_percent

Array = Any
Keep = Callable[[bytes], object]


def report_of(
    attempt: Attempt,
    session: Session,
    inputs: Mapping[str, Array],
    policy: BenchmarkPolicy,
    method: str,
    protocol: str,
    keep_samples: Optional[Keep],
) -> BenchmarkReport:
    """The numbers of an attempt with its evidence; no latency where there is a reason against one. Layers come later.

    Args:
        attempt: The calmest.
        session: The open engine.
        inputs: One array for each input.
        policy: What was asked for.
        method: Who took the times.
        protocol: How, in one line.
        keep_samples: Gets all samples, packed; the report names their sha256.
    """
    samples, reason = attempt.samples, attempt.reason
    stored = pack(samples.latencies_ms)
    if keep_samples:
        keep_samples(stored)
    return BenchmarkReport(
        method=method,
        protocol=protocol,
        policy=policy,
        iterations=len(samples.latencies_ms),
        latency=None if reason else percentiles(samples.latencies_ms),
        throughput_per_s=None if reason else samples.throughput_per_s,
        cv_percent=robust_cv_percent(samples.latencies_ms),
        noisy=bool(reason),
        attempts=attempt.number,
        samples=hashlib.sha256(stored).hexdigest(),
        evidence={**attempt.evidence, **_circumstances(session, samples, inputs)},
        reason=reason,
        phases={} if reason else {name: percentiles(found) for name, found in samples.phases_ms.items()},
    )


def _circumstances(session: Session, samples: Samples, inputs: Mapping[str, Array]) -> Dict[str, Any]:
    return {
        "backend": f"{session.backend} {session.backend_version}",
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cores": evidence.cores(),
        "cv_percent_of_all_samples": cv_percent(samples.latencies_ms),
        "wall_s": samples.wall_s,
        "shapes": {name: list(array.shape) for name, array in inputs.items()},
    }
