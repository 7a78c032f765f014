"""How long a build will take, by how long builds like it took. Pure, and only an estimate."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

# Models within this factor of each other's size count as of one size.
_LIKE_SIZE = 2.0


@dataclass(frozen=True)
class Wanted:
    """What of a build decides how long it takes, besides its target.

    Attributes:
        model: Digest.
        size_bytes: Of the model; 0 where it is not known.
    """

    model: str
    precision: str
    size_bytes: int = 0


@dataclass(frozen=True)
class Took:
    """A build for the same target that ended well: what it built, and how long its process lived."""

    built: Wanted
    child_ms: float


@dataclass(frozen=True)
class Estimate:
    """A median.

    Attributes:
        source: What it is the median of, such as `3 builds of this model`.
    """

    seconds: float
    source: str


def estimate(history: Sequence[Took], wanted: Wanted) -> Estimate | None:
    """The median of the builds most like it, all for its target; None where there is no history.

    Of the same model and precision, else of the same model, else of models of its size in its precision, else of all.
    """
    # A list asks for hundreds of them, each of twenty builds.
    of_model = [took for took in history if took.built.model == wanted.model]
    alike = [took for took in of_model if took.built.precision == wanted.precision]
    if alike:
        return _median(alike, "of this model")
    if of_model:
        return _median(of_model, "of this model in other precisions")
    alike = _of_like_size(history, wanted)
    if alike:
        return _median(alike, "of models of this size")
    return _median(history, "of other models") if history else None


def _of_like_size(history: Sequence[Took], wanted: Wanted) -> list[Took]:
    least, most = max(1.0, wanted.size_bytes / _LIKE_SIZE), wanted.size_bytes * _LIKE_SIZE
    return [
        took for took in history if took.built.precision == wanted.precision and least <= took.built.size_bytes <= most
    ]


def _median(alike: Sequence[Took], kind: str) -> Estimate:
    builds = f"{len(alike)} build{'s' if len(alike) > 1 else ''}"
    return Estimate(statistics.median([took.child_ms for took in alike]) / 1000.0, f"{builds} {kind}")
