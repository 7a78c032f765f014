"""Rows of submissions and of their requests."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from farm.protocol.codec import loads
from farm.protocol.options import BenchmarkPolicy
from farm.protocol.states import ENDED_STATES, State
from farm.protocol.submit import SubmitAsk

from . import statements
from .parsing import benchmark_of
from .tables import build, request, submission, tag

_FOLLOW = (
    update(request)
    .where(request.c.build_id == bindparam("build"), request.c.ended_at.is_(None))
    .values(state=bindparam("stand"))
)
_ACTIVE = tuple(state for state in State if state not in ENDED_STATES)
_STATES = {str(state): state for state in State}
_STATE = list(request.columns.keys()).index("state")
_WANTING = (
    select(request)
    .where(request.c.build_id == bindparam("build"), request.c.ended_at.is_(None))
    .order_by(request.c.id)
    .with_for_update()
)


@dataclass(frozen=True)
class SubmissionRow:
    """One submission; `ask` is the SubmitAsk as it was sent."""

    id: str
    ask: str
    name: str
    model: str
    created_at: float
    created_by: str
    token_id: str
    idempotency: str | None
    tags: dict[str, str]
    priority: int

    @property
    def asked(self) -> SubmitAsk:
        """What was asked for."""
        return loads(SubmitAsk, self.ask)

    @property
    def benchmark(self) -> BenchmarkPolicy:
        """How its engines are measured."""
        return benchmark_of(self.ask)


@dataclass(frozen=True)
class RequestRow:
    """One target of a submission, in the order of its columns. An active request stands where its build stands."""

    id: str
    submission_id: str
    position: int
    word: str
    label: str
    key: str
    preparation_id: str | None
    build_id: str | None
    engine_id: str | None
    state: State
    reason: str
    created_at: float
    ended_at: float | None = None


def add(connection: Connection, row: SubmissionRow) -> None:
    """Store a submission.

    Raises: Raced: one with the same idempotency key was stored first.
    """
    connection.execute(statements.adding(submission), {**row.__dict__, "tags": json.dumps(row.tags)})


def by_id(connection: Connection, submission_id: str) -> SubmissionRow | None:
    """The submission of this id."""
    row = connection.execute(statements.by_id(submission), {"id": submission_id}).mappings().first()
    return _submission(row) if row else None


def by_idempotency(connection: Connection, token_id: str, idempotency: str) -> SubmissionRow | None:
    """What this token has submitted under this key."""
    mine = (submission.c.token_id == token_id) & (submission.c.idempotency == idempotency)
    return _one(connection, select(submission).where(mine))


def newest_of_name(connection: Connection, name: str) -> SubmissionRow | None:
    """The newest submission of the model that a name points at."""
    query = select(submission).join(tag, (tag.c.name == submission.c.name) & (tag.c.model == submission.c.model))
    return _one(connection, query.where(submission.c.name == name).order_by(submission.c.created_at.desc()).limit(1))


@dataclass(frozen=True)
class Listing:
    """Which submissions to list; None is any. `states`: a request of it is in one of these."""

    name: str | None = None
    token_id: str | None = None
    since: float | None = None
    until: float | None = None
    tags: tuple[tuple[str, str], ...] = ()
    states: tuple[State, ...] = ()


def find(connection: Connection, wanted: Listing, before: float | None, limit: int) -> tuple[SubmissionRow, ...]:
    """The newest submissions of a listing, at most so many; `before` continues."""
    query = select(submission).order_by(submission.c.created_at.desc(), submission.c.id.desc()).limit(limit)
    if wanted.name is not None:
        query = query.where(submission.c.name == wanted.name)
    if wanted.token_id is not None:
        query = query.where(submission.c.token_id == wanted.token_id)
    if wanted.since is not None:
        query = query.where(submission.c.created_at >= wanted.since)
    for bound in (wanted.until, before):
        query = query if bound is None else query.where(submission.c.created_at < bound)
    if wanted.states:
        standing = select(request.c.submission_id).where(request.c.state.in_(wanted.states))
        query = query.where(submission.c.id.in_(standing))
        if ENDED_STATES.issuperset(wanted.states):
            # One that has an active request has not ended as a whole, whatever others of its requests did.
            going_on = select(request.c.submission_id).where(request.c.state.in_(_ACTIVE))
            query = query.where(submission.c.id.not_in(going_on))
    for name, value in wanted.tags:
        # The column holds compact JSON of one level, so that a pair is a piece of its text.
        query = query.where(submission.c.tags.contains(f"{json.dumps(name)}: {json.dumps(value)}", autoescape=True))
    return tuple(_submission(row) for row in statements.records(connection, query))


def add_requests(connection: Connection, rows: Sequence[RequestRow]) -> None:
    """Store the requests of a submission."""
    connection.execute(statements.adding(request), [dict(row.__dict__) for row in rows])


def requests_of(connection: Connection, submission_ids: Iterable[str]) -> tuple[RequestRow, ...]:
    """The requests of submissions, in the order in which their targets were named."""
    query = (
        select(request)
        .where(request.c.submission_id.in_(tuple(submission_ids)))
        .order_by(request.c.submission_id, request.c.position)
    )
    return _requests(connection, query)


def request_by_id(connection: Connection, request_id: str) -> RequestRow | None:
    """The request of this id."""
    found = _requests(connection, statements.by_id(request), {"id": request_id})
    return found[0] if found else None


def lock_requests(connection: Connection, request_ids: Sequence[str]) -> tuple[RequestRow, ...]:
    """These requests as they are now, locked."""
    query = select(request).where(request.c.id.in_(request_ids)).order_by(request.c.id)
    return _requests(connection, query.with_for_update())


def wanting(connection: Connection, build_id: str) -> tuple[RequestRow, ...]:
    """The active requests that want a build, locked."""
    return _requests(connection, _WANTING, {"build": build_id})


def of_build(connection: Connection, build_id: str, most: int) -> tuple[RequestRow, ...]:
    """The newest requests that want a build, or wanted it."""
    query = select(request).where(request.c.build_id == build_id).order_by(request.c.created_at.desc(), request.c.id)
    return _requests(connection, query.limit(most))


def ids_wanting(connection: Connection, build_id: str) -> frozenset[str]:
    """The submissions with an active request for a build."""
    query = select(request.c.submission_id).where(request.c.build_id == build_id, request.c.ended_at.is_(None))
    return frozenset(connection.execute(query).scalars())


def change_request(connection: Connection, request_id: str, **columns: Any) -> None:
    """Change single columns of a request."""
    statements.change(connection, request, request_id, columns)


def follow(connection: Connection, build_id: str, state: State) -> None:
    """Let the active requests stand where their build stands."""
    connection.execute(_FOLLOW, {"build": build_id, "stand": state})


def unanswered(connection: Connection, limit: int) -> tuple[str, ...]:
    """Active requests whose build has ended: there are none unless a process died between two versions."""
    query = (
        select(request.c.build_id)
        .join(build, build.c.id == request.c.build_id)
        .where(request.c.ended_at.is_(None), ~build.c.active)
        .distinct()
    )
    return tuple(item for item in connection.execute(query.limit(limit)).scalars() if item)


def count_active(connection: Connection) -> int:
    """How many requests have not ended."""
    return int(connection.execute(select(func.count()).where(request.c.ended_at.is_(None))).scalar_one())


def _one(connection: Connection, query: Any) -> SubmissionRow | None:
    row = connection.execute(query).mappings().first()
    return _submission(row) if row else None


def _submission(row: Any) -> SubmissionRow:
    return SubmissionRow(**{**row, "tags": json.loads(row["tags"])})


def _requests(connection: Connection, query: Any, given: dict[str, Any] | None = None) -> tuple[RequestRow, ...]:
    # A page of submissions has more than a thousand: by position is half the work of by name.
    return tuple(RequestRow(*_values(row)) for row in connection.execute(query, given or {}).all())


def _values(row: Any) -> list[Any]:
    values = list(row)
    values[_STATE] = _STATES[values[_STATE]]
    return values
