"""A measurement of an open engine: attempts, evidence around each, and a report that may be `noisy`."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.options import BenchmarkPolicy, ClockLock
from farm.protocol.report import BenchmarkReport

from ..session import Launch, Session
from . import evidence
from .attempts import Attempt, calmest
from .protocol import HOST, Clock, describe, take
from .reporting import Keep, report_of

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
    keep_samples: Optional[Keep] = None,
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
        attempt = _calmest(session, inputs, policy, clock, collect)
        phases = [name for name in attempt.samples.phases_ms if name != HOST]
        protocol = describe(policy, phases, bool(clocks.get("locked")))
        report = report_of(attempt, session, inputs, policy, METHOD, protocol, keep_samples)
        layers = session.layers(inputs)
        if keep_layers:
            keep_layers(layers)
        report = replace(report, layers=layers[:_LAYERS])
    return replace(report, evidence={**report.evidence, "clocks": clocks}) if clocks else report


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


def _calmest(
    session: Session, inputs: Mapping[str, Array], policy: BenchmarkPolicy, clock: Clock, collect: Evidence
) -> Attempt:
    launch = Launch(policy.cuda_graph, policy.spin_wait)

    def look() -> Dict[str, Any]:
        return {**collect(), **session.evidence()}

    with ExitStack() as stack:
        inferences = [stack.enter_context(session.bound(inputs, launch)) for _ in range(policy.streams)]
        return calmest(lambda: take(inferences, policy, clock), policy, look)
