"""Engines side by side: what they took, by how much they differ from the first, and what of their keys is unlike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from farm.protocol.errors import Invalid, NotFound
from farm.protocol.keys import Difference, differences
from farm.protocol.report import BenchmarkReport, VerificationReport
from farm.protocol.views import EngineView
from orchestrator.rules.comparison import Comparison, compare, named_shapes, timed
from orchestrator.store import engines as rows
from orchestrator.store import proofs
from orchestrator.store.proofs import Evidence

from .context import Context
from .engines import view

MOST = 12


@dataclass(frozen=True)
class Side:
    """An engine beside others.

    Attributes:
        change: From the first; None for the first itself.
        error: Largest difference of any output from its reference.
        shapes: Of the inputs it was timed with.
    """

    engine: EngineView
    benchmark: BenchmarkReport | None
    verification: VerificationReport | None
    change: Comparison | None
    error: float | None
    shapes: str


@dataclass(frozen=True)
class Unlike:
    """A field in which the keys of the engines are not all equal; a value for each, None where it is absent."""

    path: str
    values: tuple[object, ...]


@dataclass(frozen=True)
class Table:
    """Engines side by side; the first is what the others are held against."""

    sides: tuple[Side, ...]
    unlike: tuple[Unlike, ...]
    one_model: bool


def show(context: Context, engine_ids: Sequence[str]) -> Table:
    """These engines in their order.

    Raises: NotFound: one is not there. Invalid: they are too many.
    """
    ids = tuple(dict.fromkeys(engine_ids))
    if len(ids) > MOST:
        raise Invalid(f"{len(ids)} engines do not fit side by side", f"Choose at most {MOST}.")
    with context.database.read() as connection:
        found = rows.by_ids(connection, ids)
        known = proofs.of_engines(connection, ids)
    missing = sorted(set(ids) - {row.id for row in found})
    if missing:
        raise NotFound(f"there is no engine {missing[0][:80]!r}", "Run farm engines list.")
    sides = tuple(_side(view(row), known[row.id], known[ids[0]]) for row in found)
    models = {side.engine.model for side in sides}
    return Table(sides, _unlike([known[item] for item in ids]), len(models) < 2)


def _side(engine: EngineView, known: Evidence, baseline: Evidence) -> Side:
    change = None if known is baseline else compare(timed(baseline.benchmark), timed(known.benchmark))
    proof, measured = known.verification, known.benchmark
    errors = [item.absolute.maximum for item in proof.outputs if item.absolute.maximum is not None] if proof else []
    shapes = named_shapes(measured.evidence) if measured else ""
    return Side(engine, measured, proof, change, max(errors, default=None), shapes)


def _unlike(known: Sequence[Evidence]) -> tuple[Unlike, ...]:
    """Every field of the keys that one of the engines does not share with the first."""
    if len(known) < 2:
        return ()
    first = known[0].manifest.key
    found = [{item.path: item for item in differences(first, other.manifest.key)} for other in known[1:]]
    paths = sorted({path for each in found for path in each})
    return tuple(Unlike(path, _values(path, found)) for path in paths)


def _values(path: str, found: Sequence[dict[str, Difference]]) -> tuple[object, ...]:
    own = next(each[path].left for each in found if path in each)
    return (own, *(each[path].right if path in each else own for each in found))
