"""Rows of builds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from farm.protocol.codec import dumps, loads
from farm.protocol.keys import RequestKey
from farm.protocol.model import NO_MODEL
from farm.protocol.options import BenchmarkPolicy, VerifyPolicy
from farm.protocol.report import Failure
from farm.protocol.states import State

from . import statements
from .parsing import key_of
from .tables import attempt, build, preparation, request


@dataclass(frozen=True)
class BuildRow:
    """One build; columns as they are stored."""

    id: str
    key: str
    purpose: str
    spec: str
    target_digest: str
    label: str
    precision: str
    model: str
    model_name: str
    preparation_id: str
    verify: str
    benchmark: str
    state: State
    priority: int
    created_at: float
    active: bool = True
    reuse_engine_id: str | None = None
    device_id: str | None = None
    engine_id: str | None = None
    failure: str | None = None
    queued_at: float | None = None
    ended_at: float | None = None
    woken_at: float | None = None
    attempts: int = 0
    token: int = 0

    @property
    def request_key(self) -> RequestKey:
        """What is to be built."""
        return key_of(self.spec)

    @property
    def only_compiles(self) -> bool:
        """It makes libraries of plugins for its target, and no engine."""
        return self.model == NO_MODEL.digest

    @property
    def verify_policy(self) -> VerifyPolicy:
        """How it is verified."""
        return loads(VerifyPolicy, self.verify)

    @property
    def benchmark_policy(self) -> BenchmarkPolicy:
        """How it is measured."""
        return loads(BenchmarkPolicy, self.benchmark)

    @property
    def failed_with(self) -> Failure | None:
        """Why it failed."""
        return loads(Failure, self.failure) if self.failure else None


def by_id(connection: Connection, build_id: str, lock: bool = False) -> BuildRow | None:
    """The build of this id; locked against other writers when asked."""
    row = connection.execute(statements.by_id(build, lock), {"id": build_id}).mappings().first()
    return row_of(row) if row else None


def active_for(connection: Connection, *purposes: str) -> dict[str, BuildRow]:
    """The one active build for each of these purposes that has one, locked."""
    query = select(build).where(build.c.purpose.in_(purposes), build.c.active).order_by(build.c.id)
    return {row.purpose: row for row in _rows(connection, query.with_for_update())}


def newest_ended(connection: Connection, key: str, purpose: str) -> tuple[BuildRow, str] | None:
    """The newest build for this purpose that ended by itself, and the key of its preparation."""
    query = (
        select(build, preparation.c.key.label("preparation_key"))
        .join(preparation, preparation.c.id == build.c.preparation_id)
        .where(build.c.key == key, build.c.purpose == purpose, ~build.c.active, build.c.state != State.CANCELLED)
        .order_by(build.c.created_at.desc())
    )
    row = connection.execute(query.limit(1)).mappings().first()
    if row is None:
        return None
    columns = dict(row)
    preparation_key = columns.pop("preparation_key")
    return row_of(columns), preparation_key


def add(connection: Connection, row: BuildRow) -> None:
    """Store a new build.

    Raises: Raced: another transaction made an active one for this purpose first.
    """
    connection.execute(statements.adding(build), row.__dict__)


def change(connection: Connection, build_id: str, **columns: Any) -> None:
    """Change single columns."""
    statements.change(connection, build, build_id, columns)


def waiting_for(connection: Connection, preparation_id: str) -> tuple[BuildRow, ...]:
    """The builds that wait for a preparation, locked."""
    query = select(build).where(build.c.preparation_id == preparation_id, build.c.state == State.WAITING)
    return _rows(connection, query.order_by(build.c.id).with_for_update())


def ready_but_waiting(connection: Connection, limit: int) -> tuple[str, ...]:
    """Preparations that have ended although builds still wait for them."""
    query = (
        select(build.c.preparation_id)
        .join(preparation, preparation.c.id == build.c.preparation_id)
        .where(build.c.state == State.WAITING, ~preparation.c.active)
        .distinct()
        .limit(limit)
    )
    return tuple(connection.execute(query).scalars())


def unwoken(connection: Connection, before: float, limit: int) -> tuple[BuildRow, ...]:
    """Queued builds that nobody was woken for since then, the most urgent first."""
    query = (
        select(build)
        .where(build.c.state == State.QUEUED, (build.c.woken_at.is_(None)) | (build.c.woken_at < before))
        .order_by(build.c.priority.desc(), build.c.queued_at)
    )
    return _rows(connection, query.limit(limit))


def unwanted(connection: Connection, limit: int) -> tuple[str, ...]:
    """Active builds that no active request wants."""
    wants = select(request.c.id).where(request.c.build_id == build.c.id, request.c.ended_at.is_(None)).exists()
    return tuple(connection.execute(select(build.c.id).where(build.c.active, ~wants).limit(limit)).scalars())


def is_running(connection: Connection, purpose: str) -> bool:
    """True while a build for this purpose is active."""
    query = select(build.c.id).where(build.c.purpose == purpose, build.c.active)
    return connection.execute(query).first() is not None


def is_wanted(connection: Connection, build_id: str) -> bool:
    """True while a request wants it."""
    query = select(request.c.id).where(request.c.build_id == build_id, request.c.ended_at.is_(None))
    return connection.execute(query.limit(1)).first() is not None


def live_attempt(connection: Connection, build_id: str) -> str | None:
    """The attempt that holds it now."""
    return connection.execute(select(attempt.c.id).where(attempt.c.build_id == build_id, attempt.c.live)).scalar()


def failure_text(failure: Failure | None) -> str | None:
    """A failure as its column holds it."""
    return dumps(failure) if failure else None


def _rows(connection: Connection, query: Any) -> tuple[BuildRow, ...]:
    return tuple(row_of(row) for row in statements.records(connection, query))


def row_of(row: Any) -> BuildRow:
    """The build in a mapping of its columns."""
    return BuildRow(**{**row, "state": State(row["state"])})
