"""Does the farm measure what a bare loop measures? `python -m tests.gpu.agree FOLDER…`, a line of JSON for each engine.

One process and one card in one state; all take turns for some milliseconds, in an order that turns round each time:

    farm    the farm's own protocol: its `compute`
    bare    nothing but launches and events, over the very context that the farm measures
    other   the same over another engine of the same plan: what the place in memory makes
    copied  like `bare`, each launch right behind a copy of the inputs in the same stream
    paused  like `bare`, after 50 microseconds without work, which is what reading events and copies take
    asleep  like `bare`, with events that wake a sleeping host

`copied` and `asleep` are why the farm copies in another stream, and reads no time from an event that is slept for.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
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

from .bare import Loop, times_ms

Array = Any
_ROUNDS, _RUNS, _WARM = 12, 40, 10
_PAUSE_S = 50e-6


def compared(plan: Path, options: BuildOptions, rounds: int = _ROUNDS) -> dict[str, Any]:
    """Medians in milliseconds for two ways of the farm, and how the farm's stand to the bare loop's, round by round."""
    device = Device()
    with device.current(), open_session(plan, options) as session:
        arrays = drawn(session)
        told = {
            "default": _taking_turns(session, plan, arrays, rounds, Launch()),
            "spin-wait": _taking_turns(session, plan, arrays, rounds, Launch(spin_wait=True)),
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


def _taking_turns(
    session: Session, plan: Path, arrays: dict[str, Array], rounds: int, launch: Launch
) -> dict[str, Any]:
    other = Loop(plan, arrays)
    with session.bound(arrays, launch) as inference:
        lane = inference._lane  # type: ignore[attr-defined]  # a `Timed`: the same context, with nothing around it
        turns: dict[str, Callable[[int], Sequence[float]]] = {
            "farm": partial(_farm, inference),
            "bare": partial(times_ms, lane.compute, lane.stream),
            "other": other.times_ms,
            "copied": partial(times_ms, lane.compute, lane.stream, before=lane.copy_in),
            "paused": partial(times_ms, lane.compute, lane.stream, before=_pause),
            "asleep": partial(times_ms, lane.compute, lane.stream, spin=False),
        }
        found: dict[str, list[float]] = {name: [] for name in turns}
        for index in range(rounds):
            for name in turns if index % 2 else reversed(turns):
                turns[name](_WARM)
                found[name].append(statistics.median(turns[name](_RUNS)))
    other.close()
    return {
        **{f"{name}_ms": statistics.median(medians) for name, medians in found.items()},
        **{f"{name}_to_bare": _ratio(found[name], found["bare"]) for name in turns if name != "bare"},
    }


def _ratio(one: list[float], other: list[float]) -> float:
    """Of the medians of each round, since the card's clocks may move between rounds."""
    ratios: list[float] = list(map(truediv, one, other))
    return statistics.median(ratios)


def _pause() -> None:
    end_s = time.perf_counter() + _PAUSE_S
    while time.perf_counter() < end_s:
        continue


def _farm(inference: Inference, runs: int) -> tuple[float, ...]:
    policy = BenchmarkPolicy(iterations=runs, duration_s=0.0, warmup_ms=0.0)
    return take([inference], policy, time.perf_counter).phases_ms["compute"]


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
