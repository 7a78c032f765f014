"""How long a build will take, by how long builds like it took. Pure, and only an estimate."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
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
    for name, alike in _KINDS:
        times = [took.child_ms for took in history if alike(took.built, wanted)]
        if times:
            builds = f"{len(times)} build{'s' if len(times) > 1 else ''}"
            return Estimate(statistics.median(times) / 1000.0, f"{builds} {name}")
    return None


def _like_size(built: Wanted, wanted: Wanted) -> bool:
    if built.precision != wanted.precision or not (built.size_bytes and wanted.size_bytes):
        return False
    return 1 / _LIKE_SIZE <= built.size_bytes / wanted.size_bytes <= _LIKE_SIZE


_KINDS: tuple[tuple[str, Callable[[Wanted, Wanted], bool]], ...] = (
    ("of this model", lambda built, wanted: (built.model, built.precision) == (wanted.model, wanted.precision)),
    ("of this model in other precisions", lambda built, wanted: built.model == wanted.model),
    ("of models of this size", _like_size),
    ("of other models", lambda _built, _wanted: True),
)
