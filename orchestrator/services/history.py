"""How long a model took on a target, over time: each measurement held against the one before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from farm.protocol.errors import NotFound
from orchestrator.rules.comparison import Comparison, Timed, compare
from orchestrator.store import catalog, proofs
from orchestrator.store.proofs import Point

from .context import Context

_MOST = 200


@dataclass(frozen=True)
class Moment:
    """A measurement.

    Attributes:
        change: From the one before it in its line; None for the first, and for one without a time.
        new_model: The name pointed at another model before.
    """

    point: Point
    change: Comparison | None
    new_model: bool


@dataclass(frozen=True)
class Line:
    """The measurements of one precision, oldest first."""

    precision: str
    moments: tuple[Moment, ...]


@dataclass(frozen=True)
class History:
    """Of one name and target; all for which it was ever measured are in `labels`."""

    name: str
    label: str
    labels: tuple[str, ...]
    lines: tuple[Line, ...]


def show(context: Context, name: str, label: str = "") -> History:
    """The newest measurements of a name for a target, by default the first there are any for.

    Raises: NotFound
    """
    with context.database.read() as connection:
        if catalog.pointed_at(connection, name) is None:
            raise NotFound(f"there is no model {name[:80]!r}", "Run farm models.")
        labels = proofs.measured_labels(connection, name)
        shown = label or next(iter(labels), "")
        points = proofs.times(connection, name, shown, _MOST)
    precisions = sorted({point.precision for point in points})
    oldest_first = sorted(points, key=lambda point: (point.at, point.engine))
    lines = (Line(each, _moments([point for point in oldest_first if point.precision == each])) for each in precisions)
    return History(name, shown, labels, tuple(lines))


def _moments(points: Sequence[Point]) -> tuple[Moment, ...]:
    found: list[Moment] = []
    before: Point | None = None
    timed: Timed | None = None
    for point in points:
        now = _timed(point)
        change = compare(timed, now) if timed and now else None
        found.append(Moment(point, change, before is not None and before.model != point.model))
        before, timed = point, now or timed
    return tuple(found)


def _timed(point: Point) -> Timed | None:
    if point.median_ms is None:
        return None
    return Timed(point.protocol, point.shapes, point.median_ms, point.cv_percent)
