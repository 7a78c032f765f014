"""Rows of preparations."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, select, update

from farm.protocol.codec import dumps, loads
from farm.protocol.engine import TensorSpec
from farm.protocol.keys import PreparationKey
from farm.protocol.report import Failure
from farm.protocol.states import State
from farm.protocol.steps import changes_interface
from farm.protocol.work import Prepared

from . import statements
from .parsing import prepared_of
from .tables import attempt, build, preparation


@dataclass(frozen=True)
class PreparationRow:
    """One preparation; columns as they are stored."""

    id: str
    key: str
    spec: str
    model: str
    state: State
    active: bool
    priority: int
    prepared: str | None
    failure: str | None
    created_at: float
    queued_at: float
    ended_at: float | None
    woken_at: float | None
    attempts: int
    token: int

    @property
    def preparation_key(self) -> PreparationKey:
        """What is to be prepared."""
        return loads(PreparationKey, self.spec)

    @property
    def result(self) -> Prepared | None:
        """What was made, once it is done."""
        return prepared_of(self.prepared) if self.prepared else None

    @property
    def failed_with(self) -> Failure | None:
        """Why it failed."""
        return loads(Failure, self.failure) if self.failure else None


def by_id(connection: Connection, preparation_id: str, lock: bool = False) -> PreparationRow | None:
    """The preparation of this id; locked against other writers when asked."""
    row = connection.execute(statements.by_id(preparation, lock), {"id": preparation_id}).mappings().first()
    return row_of(row) if row else None


def newest(connection: Connection, key: str) -> PreparationRow | None:
    """The newest preparation with this key that was not cancelled."""
    query = (
        select(preparation)
        .where(preparation.c.key == key, preparation.c.state != State.CANCELLED)
        .order_by(preparation.c.active.desc(), preparation.c.created_at.desc())
        .with_for_update()
    )
    return _first(connection, query.limit(1))


def inputs_of(connection: Connection, model: str) -> tuple[TensorSpec, ...] | None:
    """The inputs of a model, as any preparation that kept them has found them; None where none ever ended well."""
    query = (
        select(preparation.c.prepared, preparation.c.spec)
        .join(build, build.c.preparation_id == preparation.c.id)
        .where(build.c.model == model, preparation.c.prepared.is_not(None))
    )
    for prepared, spec in connection.execute(query.distinct()):
        if not changes_interface([call.name for call in loads(PreparationKey, spec).recipe.steps]):
            return prepared_of(prepared).inputs
    return None


def add(connection: Connection, preparation_id: str, key: PreparationKey, priority: int, at: float) -> PreparationRow:
    """Queue a preparation.

    Raises: Raced: another transaction did so first.
    """
    row = _new(preparation_id, key, priority, at)
    connection.execute(statements.adding(preparation), row.__dict__)
    return row


def add_done(connection: Connection, preparation_id: str, key: PreparationKey, at: float) -> PreparationRow:
    """Store a preparation of no model, which has nothing to do."""
    nothing = dumps(Prepared((), (), (), None, None, ""))
    queued = _new(preparation_id, key, 0, at)
    row = replace(queued, state=State.DONE, active=False, prepared=nothing, ended_at=at)
    connection.execute(statements.adding(preparation), row.__dict__)
    return row


def _new(preparation_id: str, key: PreparationKey, priority: int, at: float) -> PreparationRow:
    return PreparationRow(
        id=preparation_id,
        key=key.digest,
        spec=dumps(key),
        model=key.model,
        state=State.QUEUED,
        active=True,
        priority=priority,
        prepared=None,
        failure=None,
        created_at=at,
        queued_at=at,
        ended_at=None,
        woken_at=None,
        attempts=0,
        token=0,
    )


def change(connection: Connection, preparation_id: str, **columns: Any) -> None:
    """Change single columns."""
    statements.change(connection, preparation, preparation_id, columns)


def hurry(connection: Connection, preparation_id: str, priority: int) -> None:
    """Raise its priority, if that is more than it has."""
    lower = (preparation.c.id == preparation_id) & (preparation.c.priority < priority)
    connection.execute(update(preparation).where(lower).values(priority=priority))


def is_wanted(connection: Connection, preparation_id: str) -> bool:
    """True while an active build needs it."""
    query = select(build.c.id).where(build.c.preparation_id == preparation_id, build.c.active)
    return connection.execute(query.limit(1)).first() is not None


def unwoken(connection: Connection, before: float, limit: int) -> tuple[PreparationRow, ...]:
    """Queued preparations that nobody was woken for since then, the most urgent first."""
    query = (
        select(preparation)
        .where(
            preparation.c.state == State.QUEUED,
            (preparation.c.woken_at.is_(None)) | (preparation.c.woken_at < before),
        )
        .order_by(preparation.c.priority.desc(), preparation.c.queued_at)
        .limit(limit)
    )
    return tuple(row_of(row) for row in connection.execute(query).mappings())


def live_attempt(connection: Connection, preparation_id: str) -> str | None:
    """The attempt that holds it now."""
    query = select(attempt.c.id).where(attempt.c.preparation_id == preparation_id, attempt.c.live)
    return connection.execute(query).scalar()


def _first(connection: Connection, query: Any) -> PreparationRow | None:
    row = connection.execute(query).mappings().first()
    return row_of(row) if row else None


def row_of(row: Any) -> PreparationRow:
    """The preparation in a mapping of its columns."""
    return PreparationRow(**{**row, "state": State(row["state"])})
