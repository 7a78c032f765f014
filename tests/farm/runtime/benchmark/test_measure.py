from __future__ import annotations

import hashlib
from typing import Any

import pytest

from farm.protocol.codec import dumps, loads
from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.options import BenchmarkPolicy, ClockLock
from farm.protocol.report import BenchmarkReport
from farm.protocol.samples import unpack
from farm.runtime.benchmark.measure import measure, refused

from ..sessions import ClockedSession, X

QUICK: dict[str, Any] = {"warmup_ms": 0.0, "iterations": 100, "duration_s": 0.0}


def measured(durations_ms: Any, evidence: Any = None, **policy: Any) -> Any:
    session = ClockedSession(durations_ms)
    kept: list[Any] = []
    report = measure(
        session,
        X,
        BenchmarkPolicy(**{**QUICK, **policy}),
        kept.append,
        clock=session.clock,
        collect=lambda: dict(next(evidence)) if evidence else {},
    )
    assert loads(BenchmarkReport, dumps(report)) == report
    return session, report, kept


def test_a_calm_engine_gets_its_numbers() -> None:
    _, report, _ = measured([2.0, 2.1])
    assert not report.noisy
    assert (report.attempts, report.iterations, report.method) == (1, 100, "farm")
    assert report.latency.median_ms == pytest.approx(2.0)
    assert report.throughput_per_s == pytest.approx(1000 / 2.05, rel=1e-3)
    assert report.cv_percent < 3
    assert report.layers[0]["name"] == "all"


def test_a_noisy_engine_gets_none_after_all_attempts() -> None:
    session, report, _ = measured([1.0, 3.0], attempts=3)
    assert report.noisy
    assert (report.latency, report.throughput_per_s, report.attempts) == (None, None, 3)
    assert report.cv_percent == pytest.approx(50, abs=3)
    assert "more than 10 %" in report.reason
    assert session.calls == 3 * 101


def test_a_calm_attempt_after_a_noisy_one_is_published() -> None:
    durations = [1.0] + [1.0, 9.0] * 50 + [1.0] * 101
    _, report, _ = measured(durations)
    assert not report.noisy
    assert (report.attempts, report.reason) == (2, "")
    assert report.latency.maximum_ms == pytest.approx(1.0)


def test_the_limit_is_the_policy_s() -> None:
    assert not measured([1.0, 1.5], max_cv_percent=25.0)[1].noisy
    assert measured([1.0, 1.5], max_cv_percent=15.0)[1].noisy


def test_throttling_in_an_attempt_makes_it_noisy() -> None:
    counts = iter([{"throttle_count": count} for count in (7, 9, 9, 9)])
    _, report, _ = measured([1.0], evidence=counts)
    assert (report.noisy, report.attempts) == (False, 2)
    counts = iter([{"throttle_count": count} for count in (7, 9)])
    _, report, _ = measured([1.0], evidence=counts, attempts=1)
    assert report.noisy
    assert "throttled 2 times" in report.reason


def test_a_card_that_was_too_hot_is_not_published_and_one_at_its_power_limit_is() -> None:
    calm = {"gpu_throttle_reasons": ["software power cap"]}
    assert not measured([1.0], evidence=iter([calm, calm]), attempts=1)[1].noisy
    _, report, _ = measured(
        [1.0], evidence=iter([calm, {"gpu_throttle_reasons": ["hardware thermal slowdown"]}]), attempts=1
    )
    assert report.reason == "the GPU was slowed down while it was measured: hardware thermal slowdown"


def test_evidence_is_asked_for_before_and_after_and_never_in_between() -> None:
    session = ClockedSession([1.0])
    asked = []

    def collect() -> Any:
        asked.append(session.calls)
        return {"call": session.calls}

    report = measure(session, X, BenchmarkPolicy(**QUICK), clock=session.clock, collect=collect)
    assert asked == [0, 101]
    assert (report.evidence["before"], report.evidence["after"]) == ({"call": 0}, {"call": 101})
    assert report.evidence["backend"] == "clocked 1.0"


def test_every_sample_is_kept_under_its_digest() -> None:
    _, report, kept = measured([1.0, 1.1])
    assert report.samples == hashlib.sha256(kept[0]).hexdigest()
    assert len(unpack(kept[0])) == report.iterations
    assert unpack(kept[0])[:2] == pytest.approx((1.1, 1.0))


def test_damaged_samples_are_refused() -> None:
    with pytest.raises(Invalid):
        unpack(b"not zlib")


def test_streams_need_a_backend_that_can() -> None:
    with pytest.raises(Unsupported, match=r"clocked 1.0 runs one inference at a time, not 2 streams"):
        measure(ClockedSession([1.0]), X, BenchmarkPolicy(streams=2))


@pytest.mark.parametrize("nothing", [{"iterations": 0}, {"attempts": 0}, {"streams": 0}])
def test_a_policy_that_asks_for_nothing_is_refused(nothing: Any) -> None:
    with pytest.raises(Invalid):
        measured([1.0], **nothing)


def test_wrong_inputs_are_refused_before_anything_is_timed() -> None:
    session = ClockedSession([1.0])
    with pytest.raises(Invalid, match="missing"):
        measure(session, {})
    assert session.calls == 0


def test_a_refused_measurement_has_a_reason_and_no_number() -> None:
    report = refused(BenchmarkPolicy(), "there are no inputs")
    assert (report.latency, report.iterations, report.noisy, report.reason) == (None, 0, False, "there are no inputs")
    assert loads(BenchmarkReport, dumps(report)) == report


def test_locked_clocks_are_in_the_evidence_and_the_protocol() -> None:
    session = ClockedSession([2.0])
    policy = BenchmarkPolicy(**{**QUICK, "lock_clocks": ClockLock.AUTO})
    told = {"locked": True, "graphics_mhz": 1410}
    report = measure(session, X, policy, clock=session.clock, collect=dict, lock_clocks=lambda: told)
    assert report.evidence["clocks"] == told
    assert report.protocol.endswith("; clocks locked")
    assert report.latency


@pytest.mark.parametrize("how", [ClockLock.AUTO, ClockLock.REQUIRE])
def test_clocks_that_nobody_locks_are_told_or_refused(how: Any) -> None:
    session = ClockedSession([2.0])
    report = measure(session, X, BenchmarkPolicy(**{**QUICK, "lock_clocks": how}), clock=session.clock, collect=dict)
    assert report.evidence["clocks"] == {"locked": False, "reason": "nothing here could lock them"}
    assert "locked" not in report.protocol
    if how is ClockLock.AUTO:
        assert report.latency
        return
    assert (report.latency, report.noisy, report.attempts, session.calls) == (None, True, 0, 0)
    assert report.reason == "its clocks were to be locked, and are not: nothing here could lock them"


def test_nobody_is_asked_to_lock_what_shall_not_be() -> None:
    session = ClockedSession([2.0])
    policy = BenchmarkPolicy(**QUICK)
    report = measure(session, X, policy, clock=session.clock, collect=dict, lock_clocks=lambda: pytest.fail("locked"))
    assert "clocks" not in report.evidence


def test_a_board_that_lacked_current_gets_no_number() -> None:
    states = iter({"jetson": {"overcurrent_events": count}} for count in (3, 3, 3, 5))
    _, report, _ = measured([2.0], evidence=states, attempts=1)
    assert report.latency
    _, report, _ = measured([2.0], evidence=states, attempts=1)
    assert report.reason == "the board was throttled 2 times for want of current while it was measured"
