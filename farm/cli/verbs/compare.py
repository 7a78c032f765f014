"""`farm compare`."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import click

from farm.protocol.engine import EngineManifest
from farm.protocol.errors import Invalid
from farm.protocol.exits import Exit
from farm.protocol.report import BenchmarkReport, VerificationReport

from ..console import Column, emit_json, emit_table, say
from ..context import Connection
from ..format import BAD, GOOD, Cell, CellLike, dim, error, ms, or_noisy, rate, size, word
from ..options import json_option, option, verb
from ..outcome import benchmark_json, verification_json, worst_error
from ..stored import ENGINES, stored
from ..words import percent

_ROWS = (
    *("engine", "target", "precision", "size", "p50", "p99", "throughput"),
    *("spread", "max error", "verdict", "slower"),
)
_LETTERS = 26
_METRICS = {"p50": "median_ms", "p99": "p99_ms", "mean": "mean_ms"}


@dataclass(frozen=True)
class Compared:
    """One engine with its newest numbers."""

    name: str
    manifest: EngineManifest
    verification: Optional[VerificationReport]
    benchmark: Optional[BenchmarkReport]

    def latency_ms(self, metric: str) -> Optional[float]:
        """The metric; None where it is unknown or was too noisy."""
        latency = self.benchmark.latency if self.benchmark else None
        value: Optional[float] = getattr(latency, _METRICS[metric], None)
        return value

    @property
    def noisy(self) -> bool:
        """Its newest measurement was too noisy."""
        return self.benchmark is not None and self.benchmark.noisy

    @property
    def size_bytes(self) -> int:
        """Of all files."""
        return sum(item.size_bytes for item in self.manifest.files)


@verb()
@click.argument("names", nargs=-1, required=True, metavar="A B...", shell_complete=stored(ENGINES))
@option("--metric", type=click.Choice(list(_METRICS)), default="p50", show_default=True, help="What is compared.")
@option("--fail-if-slower", metavar="PERCENT", help="Exit code 1 if one is slower than A by more: 5%.")
@json_option
@click.pass_obj
def compare(
    connection: Connection, names: Sequence[str], metric: str, fail_if_slower: Optional[str], as_json: bool
) -> int:
    """Put engines side by side: latency, size, error, and how much slower than A.

    Each is the id of an engine or the folder of a fetched one. A difference smaller than the spread of the two
    measurements is called so.
    """
    if len(names) < 2:
        raise Invalid("one engine cannot be compared", "Name two or more.")
    limit = percent("--fail-if-slower", fail_if_slower) if fail_if_slower else None
    found = _engines(connection, names)
    slower = [slower_percent(found[0], item, metric) for item in found]
    if as_json:
        emit_json({"metric": metric, "engines": [_json(item, more) for item, more in zip(found, slower)]})
    else:
        _emit(found, slower)
    return _exit(found, slower, limit, metric)


def slower_percent(first: Compared, other: Compared, metric: str) -> Optional[float]:
    """By how many percent `other` takes longer than `first`; None where one of them was not measured."""
    base, value = first.latency_ms(metric), other.latency_ms(metric)
    return None if not base or value is None else 100 * (value - base) / base


def within_spread(first: Compared, other: Compared, more: float) -> bool:
    """The difference is smaller than what the two measurements spread themselves."""
    spreads = [item.benchmark.cv_percent for item in (first, other) if item.benchmark]
    return abs(more) <= math.hypot(*spreads)


def _exit(found: Sequence[Compared], slower: Sequence[Optional[float]], limit: Optional[float], metric: str) -> int:
    if limit is None:
        return Exit.DONE
    if any(more is None for more in slower):
        say("not every engine has a calm measurement")
        return Exit.TOO_NOISY
    bad = [(item.name, more) for item, more in zip(found, slower) if more is not None and more > limit]
    for name, more in bad:
        say(f"{name} is slower than {found[0].name} by {more:.1f} % ({metric}); {limit:g} % are allowed")
    return Exit.BUILD_FAILED if bad else Exit.DONE


def _engines(connection: Connection, names: Sequence[str]) -> List[Compared]:
    from contextlib import ExitStack

    from farm.runtime.bundle import is_bundle, read_manifest

    found = []
    with ExitStack() as stack:
        client: Any = None
        for name in names:
            if is_bundle(Path(name)):
                manifest = read_manifest(Path(name))
            else:
                client = client or stack.enter_context(connection.client())
                manifest = client.engines.show(name).manifest
            found.append(Compared(name, manifest, manifest.verification, manifest.benchmark))
    return found


def _json(item: Compared, more: Optional[float]) -> Dict[str, Any]:
    return {
        "engine": item.name,
        "target": item.manifest.key.target.label(),
        "precision": item.manifest.key.options.precision,
        "size_bytes": item.size_bytes,
        "verification": verification_json(item.verification),
        "benchmark": benchmark_json(item.benchmark),
        "slower_percent": more,
    }


def _emit(found: Sequence[Compared], slower: Sequence[Optional[float]]) -> None:
    """One column for each engine, one row for each number: side by side."""
    letters = [chr(ord("A") + index) if index < _LETTERS else str(index + 1) for index in range(len(found))]
    heads = [Column("")] + [Column(letter, right=True, wraps=True) for letter in letters]
    columns = [_cells(item, found[0], more) for item, more in zip(found, slower)]
    emit_table(heads, [(dim(name), *cells) for name, *cells in zip(_ROWS, *columns)])


def _cells(item: Compared, first: Compared, more: Optional[float]) -> Tuple[CellLike, ...]:
    """The cells of one engine, in the order of `_ROWS`."""
    latency = item.benchmark.latency if item.benchmark else None
    worst = worst_error(item.verification) if item.verification else None
    return (
        item.name,
        item.manifest.key.target.label(),
        str(item.manifest.key.options.precision),
        size(item.size_bytes),
        or_noisy(ms(latency.median_ms if latency else None), item.noisy),
        or_noisy(ms(latency.p99_ms if latency else None), item.noisy),
        or_noisy(rate(item.benchmark.throughput_per_s if item.benchmark else None), item.noisy),
        f"{item.benchmark.cv_percent:.1f} %" if item.benchmark else "-",
        error(worst[1] if worst else None),
        word(item.verification.verdict) if item.verification else "-",
        _against(item, first, more),
    )


def _against(item: Compared, first: Compared, more: Optional[float]) -> CellLike:
    if item is first:
        return dim("-")
    if more is None:
        return or_noisy("-", item.noisy or first.noisy)
    if within_spread(first, item, more):
        return dim(f"{more:+.1f} %, within the spread")
    return Cell(f"{more:+.1f} %", BAD if more > 0 else GOOD)
