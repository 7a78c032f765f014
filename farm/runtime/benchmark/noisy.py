"""Whether a measurement may be published. Pure."""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from farm.protocol.options import BenchmarkPolicy

from .statistics import robust_cv_percent

State = Mapping[str, Any]


def fault(
    samples: Sequence[float], policy: BenchmarkPolicy, before: Mapping[str, Any], after: Mapping[str, Any]
) -> str:
    """Why these samples must not become a number, as one clause; empty where they may.

    Args:
        samples: Latencies of one attempt.
        policy: Has the widest spread to accept.
        before: Evidence taken before the attempt.
        after: Evidence taken after it.
    """
    throttled = after.get("throttle_count", 0) - before.get("throttle_count", 0)
    if throttled > 0:
        return f"the processor was throttled {throttled} times while it was measured"
    spread = robust_cv_percent(samples)
    if spread > policy.max_cv_percent:
        return f"the samples spread by {spread:.1f} %, more than {policy.max_cv_percent:g} %"
    return ""
