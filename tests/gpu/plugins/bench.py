"""How kernels and what they are held against are timed: medians of CUDA events, nothing of an input left in a cache."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]

Tensors = tuple[Any, ...]
Way = Callable[[], Any]

_WARM, _RUNS = 5, 60
# The inputs of consecutive runs fill the L2 cache several times.
_ROTATED_BYTES = 512 << 20
_MOST_SETS = 32
# The card waits so many cycles before each run, until all of it has been launched.
_WAIT_CYCLES = 400_000


@dataclass(frozen=True)
class Bench:
    """One row: a kernel of ours on one input, beside what PyTorch has for it.

    Attributes:
        plugin: The folder.
        case: What the input is, in a few words.
        make: Inputs from a seed, on the card.
        ours: The launch of our kernel for such inputs, with its outputs made before; gives them.
        others: What it is held against, each a function of the inputs.
        least_bytes: What any kernel must move through memory, of all inputs and outputs.
        wanted: How many times faster than the best of the others; 0 where `wanted_share` counts.
        wanted_share: Of the bandwidth of a copy.
        compiled: The others are timed through torch.compile, too.
        tf32: Products of float32 may be rounded, ours and theirs.
        off: How far our outputs are from theirs; else their largest difference, as a share of the root mean square.
    """

    plugin: str
    case: str
    dtype: Any
    make: Callable[[int], Tensors]
    ours: Callable[[Tensors], Way]
    others: Mapping[str, Callable[..., Any]]
    least_bytes: int
    wanted: float = 0.0
    wanted_share: float = 0.0
    compiled: bool = True
    tf32: bool = False
    off: Callable[[Any, Any], float] | None = None


def warmed(bench: Bench) -> None:
    """Compile the others into the cache on disk, so that many benches can do it at once before one is measured."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = bench.tf32
    inputs = bench.make(0)
    for _, way in _ways(bench):
        with suppress(Exception):  # the measurement says so
            way(*inputs)


def measured(bench: Bench, copy_gb_s: float) -> dict[str, Any]:
    """A row of the table, as JSON."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = bench.tf32
    sets = _inputs(bench)
    ours = median_ms([bench.ours(inputs) for inputs in sets])
    found: dict[str, Any] = {
        "plugin": bench.plugin,
        "case": bench.case,
        "dtype": str(bench.dtype).split(".")[-1],
        "ms": round(ours, 4),
        "copy_share": round(bench.least_bytes / ours / 1e6 / copy_gb_s, 3),
        "others_ms": {},
        "off": {},
    }
    mine = bench.ours(sets[0])()
    for name, way in _ways(bench):
        try:
            found["off"][name] = (bench.off or _off)(mine, way(*sets[0]))
            found["others_ms"][name] = round(median_ms([_bound(way, inputs) for inputs in sets]), 4)
        except Exception as error:  # what cannot be run there is said, and ends nothing
            found["others_ms"][name] = f"{type(error).__name__}: {error}"[:200]
    best = min((ms for ms in found["others_ms"].values() if isinstance(ms, float)), default=None)
    found["times_faster"] = None if best is None else round(best / ours, 2)
    found["wanted"] = f"{bench.wanted:g}x" if bench.wanted else f"{bench.wanted_share:.0%} of copy"
    reached = (
        (found["times_faster"] or 0) >= bench.wanted if bench.wanted else found["copy_share"] >= bench.wanted_share
    )
    found["reached"] = bool(reached)
    return found


def median_ms(ways: list[Way]) -> float:
    """Of runs on one input after the other, on the card alone: what the host needs for a launch is waited out."""
    turn = itertools.cycle(ways)
    for _ in range(max(_WARM, len(ways))):
        next(turn)()
    torch.cuda.synchronize()
    times: list[float] = []
    for _ in range(_RUNS):
        begun, ended = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        way = next(turn)
        torch.cuda._sleep(_WAIT_CYCLES)
        begun.record()
        way()
        ended.record()
        ended.synchronize()
        times.append(begun.elapsed_time(ended))
    return statistics.median(times)


def copy_gb_s() -> float:
    """The bandwidth of a copy on the card, bytes read and written."""
    source = torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
    target = torch.empty_like(source)
    return 2 * (1 << 30) / median_ms([lambda: target.copy_(source)]) / 1e6


def _inputs(bench: Bench) -> list[Tensors]:
    first = bench.make(0)
    size = sum(item.numel() * item.element_size() for item in first if item is not None)
    count = min(_MOST_SETS, max(2, -(-_ROTATED_BYTES // max(1, size))))
    return [first, *(bench.make(seed) for seed in range(1, count))]


def _ways(bench: Bench) -> Iterator[tuple[str, Callable[..., Any]]]:
    for name, way in bench.others.items():
        yield name, way
        if bench.compiled:
            torch.compiler.reset()
            yield f"{name}, compiled", torch.compile(way, mode="max-autotune-no-cudagraphs")


def _bound(way: Callable[..., Any], inputs: Tensors) -> Way:
    return lambda: way(*inputs)


def _off(mine: Any, theirs: Any) -> float:
    """The largest difference of the first output, as a share of the root mean square of theirs."""
    a, b = (found[0] if isinstance(found, (tuple, list)) else found for found in (mine, theirs))
    a, b = a.double().flatten(), b.double().flatten()
    return float(((a - b).abs().max() / b.square().mean().sqrt()).item())
