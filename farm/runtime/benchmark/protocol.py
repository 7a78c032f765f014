"""The one way of timing: what is in a sample, what is not, and when enough has been taken."""

from __future__ import annotations

import gc
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable, Dict, Iterator, List, Sequence, Tuple

from farm.protocol.options import BenchmarkPolicy

from ..session import Inference, Phases

Clock = Callable[[], float]
HOST = "host"


@dataclass(frozen=True)
class Samples:
    """What one attempt took.

    Attributes:
        latencies_ms: Of each inference, in the order of its end; of several streams one after the other. What the
            device told, else the wall time of the host.
        wall_s: From the first start to the last end.
        phases_ms: Of each inference by phase, and `host`; empty where the device tells none.
    """

    latencies_ms: Tuple[float, ...]
    wall_s: float
    phases_ms: Dict[str, Tuple[float, ...]] = field(default_factory=dict)

    @property
    def throughput_per_s(self) -> float:
        """Inferences finished in a second of wall time."""
        return len(self.latencies_ms) / self.wall_s if self.wall_s > 0 else 0.0


def describe(policy: BenchmarkPolicy, phases: Sequence[str] = (), locked: bool = False) -> str:
    """The protocol in one line; two numbers compare only if theirs are equal.

    Args:
        policy: How long and how many.
        phases: That the device tells.
        locked: The clocks of the card were locked.
    """
    if phases:
        timed = (
            f"CUDA events around {' + '.join(phases)} of one inference, launched when its inputs are there, "
            "pinned host arrays"
        )
        how = f"; CUDA graph {_on(policy.cuda_graph)}; spin-wait {_on(policy.spin_wait)}"
    else:
        timed, how = "host wall time of one inference, host arrays in and out", ""
    return (
        f"farm-1: {timed}, inputs bound before{how}; "
        f"{policy.streams} stream{'s' if policy.streams != 1 else ''}; warm-up {policy.warmup_ms:g} ms; "
        f"at least {policy.iterations} iterations and {policy.duration_s:g} s; garbage collector off; "
        f"percentile = sample ceil(p*n)-1{'; clocks locked' if locked else ''}"
    )


def _on(switch: bool) -> str:
    return "on" if switch else "off"


def take(inferences: Sequence[Inference], policy: BenchmarkPolicy, clock: Clock) -> Samples:
    """The samples of one attempt: warmed up, at least so many iterations and at least so long.

    Args:
        inferences: One for each of `policy.streams`; each is called from a thread of its own where there are several.
        policy: How long and how many.
        clock: Seconds that only grow.

    Raises: whatever an inference raises.
    """
    with _collector_off():
        for inference in inferences:
            _warm_up(inference, policy.warmup_ms / 1e3, clock)
        if len(inferences) == 1:
            start = clock()
            taken = _stream(inferences[0], policy.iterations, policy.duration_s, clock)
            return _samples([taken], taken.end_s - start)
        return _streams(inferences, policy, clock)


def _warm_up(inference: Inference, warmup_s: float, clock: Clock) -> None:
    start = clock()
    inference()
    while clock() - start < warmup_s:
        inference()


@dataclass(frozen=True)
class _Taken:
    """What one stream took."""

    walls_ms: List[float]
    told: List[Phases]
    end_s: float


def _stream(inference: Inference, iterations: int, duration_s: float, clock: Clock) -> _Taken:
    walls_ms: List[float] = []
    told: List[Phases] = []
    start = clock()
    while True:
        begin = clock()
        told.append(inference())
        end = clock()
        walls_ms.append((end - begin) * 1e3)
        if len(walls_ms) >= iterations and end - start >= duration_s:
            return _Taken(walls_ms, told, end)


def _samples(taken: Sequence[_Taken], wall_s: float) -> Samples:
    walls_ms = tuple(wall for item in taken for wall in item.walls_ms)
    told = [phases for item in taken for phases in item.told if phases is not None]
    if not told:
        return Samples(walls_ms, wall_s)
    phases_ms = {name: tuple(phases[name] for phases in told) for name in told[0]}
    return Samples(tuple(sum(phases.values()) for phases in told), wall_s, {**phases_ms, HOST: walls_ms})


def _streams(inferences: Sequence[Inference], policy: BenchmarkPolicy, clock: Clock) -> Samples:
    together = threading.Barrier(len(inferences))
    starts: List[float] = []
    taken: List[_Taken] = []
    faults: List[BaseException] = []
    each = -(-policy.iterations // len(inferences))

    def one(inference: Inference) -> None:
        try:
            together.wait()
            starts.append(clock())
            taken.append(_stream(inference, each, policy.duration_s, clock))
        except BaseException as fault:  # told to the caller, below
            faults.append(fault)

    threads = [
        threading.Thread(target=one, args=(inference,), name=f"stream {index}")
        for index, inference in enumerate(inferences)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return _samples(taken, max(item.end_s for item in taken) - min(starts))


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
