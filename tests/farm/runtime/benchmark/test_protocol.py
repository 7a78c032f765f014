from __future__ import annotations

import gc
import threading
import time
from typing import Any

import pytest

from farm.protocol.options import BenchmarkPolicy
from farm.runtime.benchmark.protocol import describe, take

from ..sessions import ClockedSession, X


def taken(durations_ms: Any, **policy: Any) -> Any:
    session = ClockedSession(durations_ms)
    with session.bound(X) as inference:
        return session, take([inference], BenchmarkPolicy(**policy), session.clock)


def test_warm_up_is_counted_in_time_and_not_sampled() -> None:
    session, samples = taken([10.0], warmup_ms=200, iterations=5, duration_s=0)
    assert len(samples.latencies_ms) == 5
    assert session.calls == 20 + 5


def test_a_slow_engine_still_warms_up_once() -> None:
    session, samples = taken([1000.0], warmup_ms=0, iterations=1, duration_s=0)
    assert (session.calls, len(samples.latencies_ms)) == (2, 1)


@pytest.mark.parametrize(("iterations", "duration_s", "expected"), [(10, 1.0, 100), (500, 1.0, 500), (10, 0.0, 10)])
def test_there_are_enough_samples_and_they_take_long_enough(iterations: int, duration_s: float, expected: int) -> None:
    _, samples = taken([10.0], warmup_ms=0, iterations=iterations, duration_s=duration_s)
    assert len(samples.latencies_ms) == pytest.approx(expected, abs=1)
    assert samples.wall_s == pytest.approx(len(samples.latencies_ms) * 0.01)
    assert samples.throughput_per_s == pytest.approx(100.0)


def test_each_sample_is_one_inference_in_milliseconds() -> None:
    _, samples = taken([1.0, 2.0, 3.0], warmup_ms=0, iterations=5, duration_s=0)
    assert samples.latencies_ms == pytest.approx([2.0, 3.0, 1.0, 2.0, 3.0])


def test_streams_run_at_the_same_time() -> None:
    together = threading.Barrier(3, timeout=20)

    def inference() -> None:
        if threading.current_thread() is not threading.main_thread():
            together.wait()

    policy = BenchmarkPolicy(warmup_ms=0, iterations=6, duration_s=0, streams=3)
    samples = take([inference] * 3, policy, time.perf_counter)
    assert len(samples.latencies_ms) == 6


def test_a_fault_in_a_stream_reaches_the_caller() -> None:
    def inference() -> None:
        if threading.current_thread() is not threading.main_thread():
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        take([inference] * 2, BenchmarkPolicy(warmup_ms=0, streams=2), time.perf_counter)


def test_the_garbage_collector_rests_while_samples_are_taken_and_then_works_again() -> None:
    states = []
    session = ClockedSession([1.0])

    def inference() -> None:
        states.append(gc.isenabled())
        session.run(X)

    take([inference], BenchmarkPolicy(duration_s=0), session.clock)
    assert not any(states)
    assert gc.isenabled()


def test_the_protocol_names_all_that_makes_numbers_differ() -> None:
    told = describe(BenchmarkPolicy(warmup_ms=50, iterations=7, duration_s=2, streams=4))
    for part in ("host wall time", "4 streams", "50 ms", "7 iterations", "2 s", "ceil(p*n)-1"):
        assert part in told
    assert describe(BenchmarkPolicy()) != describe(BenchmarkPolicy(streams=2))


def test_what_the_device_tells_is_the_latency_and_the_wall_time_stays_beside_it() -> None:
    session = ClockedSession([10.0])
    session.phases = {"h2d": 0.5, "compute": 2.0, "d2h": 0.25}
    with session.bound(X) as inference:
        samples = take([inference], BenchmarkPolicy(warmup_ms=0, iterations=3, duration_s=0), session.clock)
    assert samples.latencies_ms == pytest.approx([2.75] * 3)
    assert samples.phases_ms["compute"] == (2.0,) * 3
    assert samples.phases_ms["host"] == pytest.approx([10.0] * 3)
    assert list(samples.phases_ms) == ["h2d", "compute", "d2h", "host"]


def test_the_protocol_tells_how_a_gpu_was_launched() -> None:
    plain = describe(BenchmarkPolicy(), ["h2d", "compute", "d2h"])
    assert "h2d + compute + d2h" in plain
    assert "CUDA graph off; spin-wait off" in plain
    assert "CUDA graph on" in describe(BenchmarkPolicy(cuda_graph=True), ["compute"])
    assert "CUDA" not in describe(BenchmarkPolicy())
