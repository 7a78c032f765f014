"""The matrix of models and targets: which engine exists where, and what could be built."""

from __future__ import annotations

from dataclasses import dataclass, replace

from farm.protocol.errors import NotFound
from farm.protocol.options import Precision
from farm.protocol.submit import SubmitAsk
from farm.protocol.views import SubmissionView
from orchestrator.rules.cells import NewestBuild, NewestEngine, Standing, may_submit, standing
from orchestrator.store import matrix as rows
from orchestrator.store import submissions as stored
from orchestrator.store.matrix import Named, Served

from . import submissions
from .caller import Caller
from .context import Context

ROWS = 25
COLUMNS = 40


@dataclass(frozen=True)
class Wanted:
    """Which part of the matrix; empty is all.

    Attributes:
        model: A part of a name.
        target: A part of a label.
        page: From 1.
    """

    model: str = ""
    target: str = ""
    precision: Precision | None = None
    page: int = 1


@dataclass(frozen=True)
class Column:
    """A target by its label.

    Attributes:
        devices: How many could build for it now.
        recorded: A device is known by its facts only.
    """

    label: str
    card: str
    runtime: str
    devices: int
    recorded: bool


@dataclass(frozen=True)
class Cell:
    """What there is of one name for one target.

    Attributes:
        engine: The newest that can be fetched.
        build: The newest, whatever became of it.
        age_s: Of the engine.
        may_submit: A new engine would help, and a device could build it.
    """

    label: str
    standing: Standing
    engine: NewestEngine | None
    build: NewestBuild | None
    age_s: float | None
    may_submit: bool


@dataclass(frozen=True)
class Row:
    """A name with a cell for each column."""

    name: str
    model: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Matrix:
    """A page of it.

    Attributes:
        names: How many there are on all pages.
        hidden: How many targets there are besides these columns; a filter shows them.
    """

    wanted: Wanted
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    names: int
    pages: int
    hidden: int


def show(context: Context, wanted: Wanted) -> Matrix:
    """A page of the matrix."""
    at = context.clock()
    with context.database.read() as connection:
        served = {item.label: item for item in rows.served(connection)}
        labels = sorted({*served, *rows.built_labels(connection)})
        labels = [label for label in labels if wanted.target.lower() in label.lower()]
        shown = tuple(_column(label, served.get(label)) for label in labels[:COLUMNS])
        names = rows.count(connection, wanted.model)
        pages = max(1, -(-names // ROWS))
        wanted = replace(wanted, page=max(1, min(wanted.page, pages)))
        named = rows.names(connection, wanted.model, ROWS * (wanted.page - 1), ROWS)
        precision = str(wanted.precision) if wanted.precision else None
        engines = rows.newest_engines(connection, named, labels[:COLUMNS], precision)
        builds = rows.newest_builds(connection, named, labels[:COLUMNS], precision)

    def cell(row: Named, column: Column) -> Cell:
        place = (row.name, column.label)
        return _cell(column, engines.get(place), builds.get(place), at)

    table = tuple(Row(row.name, row.model, tuple(cell(row, column) for column in shown)) for row in named)
    return Matrix(wanted, shown, table, names, pages, max(0, len(labels) - COLUMNS))


def submit(context: Context, name: str, label: str, caller: Caller, force: bool = False) -> SubmissionView:
    """Build what a name points at for one more target, as its newest submission asked for it; `force` what failed.

    Raises: NotFound: nothing was submitted under this name. Else as `submissions.submit`.
    """
    return submissions.submit(context, asked_again(context, name, label, force), caller)


def asked_again(context: Context, name: str, label: str, force: bool = False) -> SubmitAsk:
    """The newest submission of what a name points at now, for this target.

    Raises: NotFound
    """
    with context.database.read() as connection:
        row = stored.newest_of_name(connection, name)
        if row is None:
            raise NotFound(f"nothing was submitted as {name[:80]!r}", "Run farm submit MODEL.")
        return replace(row.asked, targets=(label,), force=force, idempotency=None)


def _column(label: str, served: Served | None) -> Column:
    card, _, runtime = label.rpartition(" · ")
    return Column(label, card, runtime, served.devices if served else 0, bool(served and not served.devices))


def _cell(column: Column, engine: NewestEngine | None, build: NewestBuild | None, at: float) -> Cell:
    served = column.devices > 0
    stands = standing(engine, build, served)
    age_s = max(0.0, at - engine.created_at) if engine else None
    return Cell(column.label, stands, engine, build, age_s, may_submit(stands, served))
