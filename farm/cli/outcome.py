"""What came out of a submission: as a table, and as the JSON that scripts read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence, Tuple

from farm.protocol.codec import to_json
from farm.protocol.report import BenchmarkReport, Verdict, VerificationReport
from farm.protocol.states import GOOD_STATES
from farm.protocol.views import SubmissionView

from .console import columns, emit_table, say
from .format import BAD, WARN, Cell, CellLike, dim, duration, error, ms, or_noisy, rate, word
from .timing_text import saved_s

if TYPE_CHECKING:
    from farm.client import TargetResult

_COLUMNS = columns("target, state, verdict, max error>, p50>, p99>, throughput>, engine, note~")


def emit_results(results: Sequence[TargetResult]) -> None:
    """Print the table, and below it, for the person, why targets failed."""
    emit_table(_COLUMNS, [_row(item) for item in results])
    say_failures(results)


def say_failures(results: Sequence[TargetResult]) -> None:
    """For each target that failed: the stage, the reason, what to do, and where its log is."""
    for item in results:
        failure = item.failure
        if failure is not None:
            say(f"{item.request.target}: {failure.stage} failed: {failure.message}. {failure.hint}".rstrip())
            # What failed before is not tried again, and the reason says so.
            if item.request.reason not in ("", failure.message):
                say(f"  {item.request.reason}")
            if item.request.build:
                say(f"  farm logs {item.request.build}")
            if failure.reproduce:
                say(f"  {failure.reproduce}")


def results_json(view: SubmissionView, results: Sequence[TargetResult], exit_code: int) -> Dict[str, Any]:
    """A submission with a summary of what came out for each target; the names of all fields are stable."""
    told: Dict[str, Any] = to_json(view)
    told["exit_code"] = exit_code
    for build, item in zip(told["builds"], results):
        build["verification"] = verification_json(item.verification)
        build["benchmark"] = benchmark_json(item.benchmark)
        build["failure"] = to_json(item.failure)
        build["saved_s"] = item.saved_s
        build["timing_cache"] = item.engine.manifest.effective.get("timing_cache") if item.engine else None
    return told


def verification_json(report: Optional[VerificationReport]) -> Optional[Dict[str, Any]]:
    """The verdict with the worst error over all outputs."""
    if report is None:
        return None
    worst = worst_error(report)
    return {
        "verdict": str(report.verdict),
        "reason": report.reason,
        "reference": report.reference,
        "worst_output": worst[0] if worst else None,
        "max_abs_error": worst[1] if worst else None,
        "max_rel_error": max(
            (item.relative.maximum for item in report.outputs if item.relative.maximum is not None), default=None
        ),
    }


def benchmark_json(report: Optional[BenchmarkReport]) -> Optional[Dict[str, Any]]:
    """The measurement in a few numbers; the latencies are None where it was too noisy."""
    if report is None:
        return None
    latency = to_json(report.latency) if report.latency else dict.fromkeys(_LATENCIES)
    return {
        **{name: latency[name] for name in _LATENCIES},
        "throughput_per_s": report.throughput_per_s,
        "iterations": report.iterations,
        "cv_percent": report.cv_percent,
        "noisy": report.noisy,
        "reason": report.reason,
    }


_LATENCIES = ("minimum_ms", "mean_ms", "median_ms", "p90_ms", "p95_ms", "p99_ms", "maximum_ms")


def worst_error(report: VerificationReport) -> Optional[Tuple[str, float]]:
    """The output that differs most, and by how much; None where nothing could be compared."""
    known = [(item.name, item.absolute.maximum) for item in report.outputs if item.absolute.maximum is not None]
    return max(known, key=lambda pair: pair[1]) if known else None


def _row(item: TargetResult) -> Tuple[CellLike, ...]:
    request, verification, benchmark = item.request, item.verification, item.benchmark
    worst = worst_error(verification) if verification else None
    latency = benchmark.latency if benchmark else None
    noisy = benchmark is not None and benchmark.noisy
    return (
        request.target,
        word(request.state),
        word(verification.verdict) if verification else "-",
        error(worst[1] if worst else None),
        or_noisy(ms(latency.median_ms if latency else None), noisy),
        or_noisy(ms(latency.p99_ms if latency else None), noisy),
        or_noisy(rate(benchmark.throughput_per_s if benchmark else None), noisy),
        request.engine or "-",
        _note(item),
    )


def _note(item: TargetResult) -> CellLike:
    """What one should know about the row; the most alarming first."""
    if item.failure is not None:
        return Cell(f"{item.failure.stage}: {item.failure.message}", BAD)
    if item.request.state not in GOOD_STATES and item.request.reason:
        return Cell(item.request.reason, BAD)
    if item.benchmark is not None and item.benchmark.noisy:
        spread = f"too noisy: cv {item.benchmark.cv_percent:.1f} %"
        return Cell(spread if item.benchmark.attempts else item.benchmark.reason, WARN)
    if item.verification is not None and item.verification.verdict is Verdict.UNVERIFIED:
        return Cell(item.verification.reason, WARN)
    if item.engine is not None and item.engine.engine.degraded:
        return Cell("built on a degraded rung", WARN)
    if item.saved_s is not None:
        return dim(f"saved {duration(item.saved_s)}")
    sooner_s = saved_s(item.engine.manifest.effective) if item.engine is not None else None
    if sooner_s is not None:
        return dim(f"built about {duration(sooner_s)} sooner by the timing cache")
    if item.benchmark is not None and item.benchmark.latency is not None:
        return dim(f"cv {item.benchmark.cv_percent:.1f} % of {item.benchmark.iterations:,} runs")
    return dim(item.request.reason)
