"""Does the farm measure what a bare loop measures? `python -m tests.gpu.agree FOLDER…`, a line of JSON for each engine.

One process and one card in one state: the farm's own protocol and two bare loops, each with an engine of its own from
the same plan, take turns for some milliseconds, in an order that turns round each time (farm, bare, again; again, bare,
farm). What differs between two engines of one plan is where their memory lies: that is the second bare loop's part.
`copied` is the bare loop with a copy of the inputs right before each inference, which hides the launch of its first
kernel: the reason why the farm waits for that copy.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from operator import truediv
from pathlib import Path
from typing import Any

import numpy as np

from farm.protocol.engine import TensorSpec
from farm.protocol.options import BenchmarkPolicy, BuildOptions
from farm.runtime.benchmark.protocol import take
from farm.runtime.bundle import read_manifest
from farm.runtime.cuda.device import Device
from farm.runtime.session import Inference, Launch, Session
from farm.runtime.tensorrt import open_session

from .bare import Loop

Array = Any
_ROUNDS, _RUNS, _WARM = 12, 40, 10


def compared(plan: Path, options: BuildOptions, rounds: int = _ROUNDS) -> dict[str, Any]:
    """Medians in milliseconds for each way of waiting, and how the farm's stand to the bare loop's, round by round."""
    device = Device()
    with device.current(), open_session(plan, options) as session:
        arrays = drawn(session)
        told = {
            "spin": _taking_turns(session, plan, arrays, rounds, spin=True),
            "sleep": _taking_turns(session, plan, arrays, rounds, spin=False),
        }
    device.close()
    return told


def drawn(session: Session) -> dict[str, Array]:
    """Normal numbers for each input, in the best shapes of the first profile."""
    best = {name: shape.optimum for name, shape in (session.ranges[0] if session.ranges else {}).items()}
    generator = np.random.default_rng(0)
    return {spec.name: _drawn(spec, best.get(spec.name, spec.shape), generator) for spec in session.inputs}


def _drawn(spec: TensorSpec, shape: tuple[int, ...], generator: Any) -> Array:
    return generator.standard_normal(shape).astype(spec.dtype)


def _taking_turns(session: Session, plan: Path, arrays: dict[str, Array], rounds: int, spin: bool) -> dict[str, Any]:
    bare, again = Loop(plan, arrays, spin), Loop(plan, arrays, spin)
    with session.bound(arrays, Launch(spin_wait=spin)) as inference:
        turns: dict[str, Callable[[], float]] = {
            "farm": lambda: _farm_ms(inference),
            "bare": lambda: _bare_ms(bare),
            "again": lambda: _bare_ms(again),
            "copied": lambda: _bare_ms(bare, copy=True),
        }
        for turn in turns.values():
            turn()
        found: dict[str, list[float]] = {name: [] for name in turns}
        for index in range(rounds):
            for name in turns if index % 2 else reversed(turns):
                found[name].append(turns[name]())
    bare.close()
    again.close()
    return {
        **{f"{name}_ms": statistics.median(medians) for name, medians in found.items()},
        "farm_to_bare": _ratio(found["farm"], found["bare"]),
        "again_to_bare": _ratio(found["again"], found["bare"]),
        "copied_to_bare": _ratio(found["copied"], found["bare"]),
    }


def _ratio(one: list[float], other: list[float]) -> float:
    """Of the medians of each round, since the card's clocks may move between rounds."""
    ratios: list[float] = list(map(truediv, one, other))
    return statistics.median(ratios)


def _farm_ms(inference: Inference) -> float:
    policy = BenchmarkPolicy(iterations=_RUNS, duration_s=0.0, warmup_ms=0.0)
    for _ in range(_WARM):
        inference()
    return statistics.median(take([inference], policy, time.perf_counter).phases_ms["compute"])


def _bare_ms(loop: Loop, copy: bool = False) -> float:
    loop.times_ms(_WARM, copy)
    return statistics.median(loop.times_ms(_RUNS, copy))


def main() -> None:
    """Compare each engine that was fetched into one of these folders."""
    for word in sys.argv[1:]:
        folder = Path(word)
        manifest = read_manifest(folder)
        told = compared(folder / manifest.files[0].name, manifest.key.options)
        row = {"engine": folder.name, "precision": str(manifest.key.options.precision), **told}
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
