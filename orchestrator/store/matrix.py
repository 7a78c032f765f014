"""Models by targets: what of each cell is newest, found with one look into an index for each cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    JSON,
    Connection,
    Join,
    ScalarSelect,
    String,
    Table,
    TableValuedAlias,
    column,
    false,
    func,
    literal,
    select,
    true,
)

from farm.protocol.states import State
from orchestrator.rules.cells import NewestBuild, NewestEngine

from .engines import newest_verdict, quietest
from .parsing import target_of
from .tables import benchmark, build, device, device_target, engine, tag


@dataclass(frozen=True)
class Named:
    """A name and the model that it points at."""

    name: str
    model: str


@dataclass(frozen=True)
class Served:
    """What of the fleet builds for the targets of a label.

    Attributes:
        devices: How many that are neither recorded nor retired.
    """

    label: str
    devices: int


Place = tuple[str, str]
"""A name and a label."""


def names(connection: Connection, part: str, first: int, limit: int) -> tuple[Named, ...]:
    """Names with this part in their order, so many from the `first` on."""
    query = select(tag.c.name, tag.c.model).order_by(tag.c.name).offset(first).limit(limit)
    return tuple(Named(*row) for row in connection.execute(query.where(_with(part))).all())


def count(connection: Connection, part: str) -> int:
    """How many names have this part."""
    return int(connection.execute(select(func.count()).select_from(tag).where(_with(part))).scalar_one())


def served(connection: Connection) -> tuple[Served, ...]:
    """Every label that a device which is not retired builds for."""
    living = func.count(device.c.id).filter(~device.c.recorded)
    query = (
        select(device_target.c.target, living)
        .join(device, device.c.id == device_target.c.device_id)
        .where(~device.c.retired)
        .group_by(device_target.c.target)
    )
    found: dict[str, Served] = {}
    for text, devices in connection.execute(query).all():
        label = target_of(text).label()
        before = found[label].devices if label in found else 0
        found[label] = Served(label, before + devices)
    return tuple(found.values())


def built_labels(connection: Connection) -> tuple[str, ...]:
    """Every label there are engines for; as fast as there are few, however many engines."""
    first = select(func.min(engine.c.label).label("label")).cte("labels", recursive=True)
    following = select(func.min(engine.c.label)).where(engine.c.label > first.c.label).correlate(first)
    every = first.union_all(select(following.scalar_subquery()).where(first.c.label.is_not(None)))
    return tuple(label for label in connection.execute(select(every.c.label)).scalars() if label is not None)


def newest_engines(
    connection: Connection, rows: Sequence[Named], labels: Sequence[str], precision: str | None
) -> dict[Place, NewestEngine]:
    """The newest engine of each cell that can be fetched: of the model its name points at, else of an earlier one."""
    if not rows or not labels:
        return {}
    names, columns = _axes(connection, rows, labels)
    here = [engine.c.label == columns.c.label, engine.c.model_name == names.c.name]
    here += [engine.c.removed_at.is_(None), ~engine.c.quarantined]
    if precision is not None:
        here.append(engine.c.precision == precision)
    current = _newest(engine, names, columns, *here, engine.c.model == names.c.model)
    best = func.coalesce(current, _newest(engine, names, columns, *here)).label("id")
    cells = select(names.c.name, names.c.model, best).select_from(_cross(names, columns))
    cell = cells.limit(len(rows) * len(labels)).cte("cell")
    query = select(
        cell.c.name,
        engine.c.label,
        engine.c.id,
        engine.c.precision,
        engine.c.size_bytes,
        engine.c.degraded,
        engine.c.created_at,
        (engine.c.model == cell.c.model).label("current"),
        newest_verdict(),
        # Looked up twice, and not joined: PostgreSQL would read the whole table for a join of a few hundred rows.
        quietest(benchmark.c.median_ms),
        func.coalesce(quietest(benchmark.c.noisy), false()),
    ).join(engine, engine.c.id == cell.c.id)
    return {(row[0], row[1]): NewestEngine(*row[2:7], *map(_told, row[7:])) for row in connection.execute(query).all()}


def newest_builds(
    connection: Connection, rows: Sequence[Named], labels: Sequence[str], precision: str | None
) -> dict[Place, NewestBuild]:
    """The newest build of each cell, whatever became of it."""
    if not rows or not labels:
        return {}
    names, columns = _axes(connection, rows, labels)
    here = [build.c.label == columns.c.label, build.c.model_name == names.c.name]
    if precision is not None:
        here.append(build.c.precision == precision)
    cells = select(_newest(build, names, columns, *here).label("id"))
    cell = cells.select_from(_cross(names, columns)).limit(len(rows) * len(labels)).cte("cell")
    query = select(build.c.model_name, build.c.label, build.c.id, build.c.state, build.c.created_at)
    query = query.join(cell, cell.c.id == build.c.id)
    return {
        (name, label): NewestBuild(build_id, State(state), created_at)
        for name, label, build_id, state, created_at in connection.execute(query).all()
    }


def _axes(connection: Connection, rows: Sequence[Named], labels: Sequence[str]) -> tuple[CTE, CTE]:
    named = _listed(connection, [row.name for row in rows])
    names = select(tag.c.name, tag.c.model).join(named, named.c.value == tag.c.name)
    return names.cte("name_axis"), select(_listed(connection, labels).c.value.label("label")).cte("label_axis")


def _listed(connection: Connection, texts: Sequence[str]) -> TableValuedAlias:
    # One parameter, so that the statement is made once: making it costs more than running it.
    several = func.json_each if connection.dialect.name == "sqlite" else func.json_array_elements_text
    return several(literal(list(texts), JSON)).table_valued(column("value", String))


def _cross(names: CTE, columns: CTE) -> Join:
    # Whoever selects from it says how many there are: PostgreSQL would plan for a hundred times a hundred, and read
    # whole tables.
    return names.join(columns, onclause=true())


def _newest(table: Table, names: CTE, columns: CTE, *here: Any) -> ScalarSelect[Any]:
    """The id of the newest row of a cell."""
    query = select(table.c.id).where(*here).order_by(table.c.created_at.desc()).limit(1)
    return query.correlate(names, columns).scalar_subquery()


def _with(part: str) -> Any:
    return tag.c.name.icontains(part, autoescape=True)


def _told(value: Any) -> Any:
    # SQLite tells truth values of expressions as numbers.
    return bool(value) if isinstance(value, int) else value
