"""The one way of timing: what is in a sample, what is not, and when enough has been taken."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Callable, Iterator, List, Tuple

from farm.protocol.options import BenchmarkPolicy

Clock = Callable[[], float]
Inference = Callable[[], object]


@dataclass(frozen=True)
class Samples:
    """What one attempt took.

    Attributes:
        latencies_ms: Of each inference, in the order of its end; of several streams one after the other.
        wall_s: From the first start to the last end.
    """

    latencies_ms: Tuple[float, ...]
    wall_s: float

    @property
    def throughput_per_s(self) -> float:
        """Inferences finished in a second of wall time."""
        return len(self.latencies_ms) / self.wall_s if self.wall_s > 0 else 0.0


def describe(policy: BenchmarkPolicy) -> str:
    """The protocol in one line; two numbers compare only if theirs are equal."""
    return (
        f"farm-1: host wall time of one inference, host arrays in and out, inputs bound before; "
        f"{policy.streams} stream{'s' if policy.streams != 1 else ''}; warm-up {policy.warmup_ms:g} ms; "
        f"at least {policy.iterations} iterations and {policy.duration_s:g} s; garbage collector off; "
        "percentile = sample ceil(p*n)-1"
    )


def take(inference: Inference, policy: BenchmarkPolicy, clock: Clock) -> Samples:
    """The samples of one attempt: warmed up, at least so many iterations and at least so long.

    Args:
        inference: One inference; called from `policy.streams` threads at once when that is more than one.
        policy: How long and how many.
        clock: Seconds that only grow.

    Raises: whatever an inference raises.
    """
    with _collector_off():
        _warm_up(inference, policy.warmup_ms / 1e3, clock)
        if policy.streams <= 1:
            start = clock()
            latencies, end = _stream(inference, policy.iterations, policy.duration_s, clock)
            return Samples(tuple(latencies), end - start)
        return _streams(inference, policy, clock)


def _warm_up(inference: Inference, warmup_s: float, clock: Clock) -> None:
    start = clock()
    inference()
    while clock() - start < warmup_s:
        inference()


def _stream(inference: Inference, iterations: int, duration_s: float, clock: Clock) -> Tuple[List[float], float]:
    latencies: List[float] = []
    start = clock()
    while True:
        begin = clock()
        inference()
        end = clock()
        latencies.append((end - begin) * 1e3)
        if len(latencies) >= iterations and end - start >= duration_s:
            return latencies, end


def _streams(inference: Inference, policy: BenchmarkPolicy, clock: Clock) -> Samples:
    together = threading.Barrier(policy.streams)
    starts: List[float] = []
    taken: List[Tuple[List[float], float]] = []
    faults: List[BaseException] = []
    each = -(-policy.iterations // policy.streams)

    def one() -> None:
        try:
            together.wait()
            starts.append(clock())
            taken.append(_stream(inference, each, policy.duration_s, clock))
        except BaseException as fault:  # told to the caller, below
            faults.append(fault)

    threads = [threading.Thread(target=one, name=f"stream {index}") for index in range(policy.streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    latencies = tuple(latency for stream, _ in taken for latency in stream)
    return Samples(latencies, max(end for _, end in taken) - min(starts))


@contextmanager
def _collector_off() -> Iterator[None]:
    """No pause of Python's own inside a sample."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
