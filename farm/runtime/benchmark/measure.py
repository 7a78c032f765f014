"""A measurement of an open engine: attempts, evidence around each, and a report that may be `noisy`."""

from __future__ import annotations

import hashlib
import platform
import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.options import BenchmarkPolicy, ClockLock
from farm.protocol.report import BenchmarkReport

from ..session import Launch, Session
from . import evidence
from .attempts import calmest
from .protocol import HOST, Clock, Samples, describe, take
from .samples import pack
from .statistics import cv_percent, percentiles, robust_cv_percent

Array = Any
Evidence = Callable[[], Dict[str, Any]]

METHOD = "farm"
# The share of the many small rest is not worth a row each.
_LAYERS = 50


def nobody_locks() -> Dict[str, Any]:
    """The answer where nobody can lock clocks."""
    return {"locked": False, "reason": "nothing here could lock them"}


def measure(
    session: Session,
    inputs: Mapping[str, Array],
    policy: Optional[BenchmarkPolicy] = None,
    keep_samples: Optional[Callable[[bytes], object]] = None,
    clock: Clock = time.perf_counter,
    collect: Evidence = evidence.collect,
    keep_layers: Optional[Callable[[Tuple[Dict[str, Any], ...]], object]] = None,
    lock_clocks: Evidence = nobody_locks,
) -> BenchmarkReport:
    """How long one inference of an engine takes here, with evidence.

    An attempt that spreads too wide is repeated, up to `policy.attempts` times; if all do, the report is `noisy` and
    has no latency. Where the runtime tells, the slowest parts of the engine are profiled afterwards, in other runs.

    Args:
        session: The open engine; it stays open.
        inputs: One array for each input.
        policy: How long, how often, how calm; the defaults when absent.
        keep_samples: Gets all samples of the reported attempt, packed; the report names their sha256.
        clock: Seconds that only grow.
        collect: Asks the machine for its state, before and after each attempt.
        keep_layers: Gets every part of the engine with its time; the report has only the slowest.
        lock_clocks: Locks the clocks of the card if the policy asks for it; `locked`, and to what or the `reason` why
            not. Whoever gives it lets them go.

    Raises:
        Invalid: the inputs do not fit, or the policy asks for nothing.
        Unsupported: several streams, and a backend that runs one inference at a time.
    """
    policy = _checked(policy or BenchmarkPolicy(), session)
    clocks = lock_clocks() if policy.lock_clocks is not ClockLock.OFF else {}
    if policy.lock_clocks is ClockLock.REQUIRE and not clocks.get("locked"):
        reason = f"its clocks were to be locked, and are not: {clocks.get('reason')}"
        return replace(refused(policy, reason), noisy=True, evidence={"clocks": clocks})
    report = session.measure_itself(inputs, policy, keep_samples)
    if report is None:
        samples, told, reason, attempts = _attempts(session, inputs, policy, clock, collect)
        layers = session.layers(inputs)
        if keep_layers:
            keep_layers(layers)
        report = replace(
            _report(policy, samples, reason, bool(clocks.get("locked")), keep_samples),
            attempts=attempts,
            evidence={**told, **_circumstances(session, samples, inputs)},
            layers=layers[:_LAYERS],
        )
    return replace(report, evidence={**report.evidence, "clocks": clocks}) if clocks else report


def _report(
    policy: BenchmarkPolicy,
    samples: Samples,
    reason: str,
    locked: bool,
    keep_samples: Optional[Callable[[bytes], object]],
) -> BenchmarkReport:
    """The numbers of an attempt, whose samples are kept; no latency where there is a reason against one."""
    stored = pack(samples.latencies_ms)
    if keep_samples:
        keep_samples(stored)
    return BenchmarkReport(
        method=METHOD,
        protocol=describe(policy, [name for name in samples.phases_ms if name != HOST], locked),
        policy=policy,
        iterations=len(samples.latencies_ms),
        latency=None if reason else percentiles(samples.latencies_ms),
        throughput_per_s=None if reason else samples.throughput_per_s,
        cv_percent=robust_cv_percent(samples.latencies_ms),
        noisy=bool(reason),
        samples=hashlib.sha256(stored).hexdigest(),
        reason=reason,
        phases={} if reason else {name: percentiles(found) for name, found in samples.phases_ms.items()},
    )


def refused(policy: BenchmarkPolicy, reason: str) -> BenchmarkReport:
    """The report of an engine that could not be measured at all."""
    return BenchmarkReport(METHOD, describe(policy), policy, 0, None, None, 0.0, noisy=False, attempts=0, reason=reason)


def _checked(policy: BenchmarkPolicy, session: Session) -> BenchmarkPolicy:
    if policy.iterations < 1 or policy.attempts < 1 or policy.streams < 1:
        raise Invalid("iterations, attempts and streams must be at least 1", "Leave them out for the defaults.")
    if policy.streams > 1 and not session.concurrent:
        raise Unsupported(
            f"{session.backend} {session.backend_version} runs one inference at a time, not {policy.streams} streams",
            "Measure with one stream.",
        )
    return policy


def _attempts(
    session: Session, inputs: Mapping[str, Array], policy: BenchmarkPolicy, clock: Clock, collect: Evidence
) -> Tuple[Samples, Dict[str, Any], str, int]:
    """The first calm attempt, or the last one with what is wrong with it."""
    launch = Launch(policy.cuda_graph, policy.spin_wait)

    def look() -> Dict[str, Any]:
        return {**collect(), **session.evidence()}

    with ExitStack() as stack:
        inferences = [stack.enter_context(session.bound(inputs, launch)) for _ in range(policy.streams)]
        return calmest(lambda: take(inferences, policy, clock), policy, look)


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
