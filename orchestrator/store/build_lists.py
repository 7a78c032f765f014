"""Builds and attempts for lists, and how long builds took."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, func, or_, select, union_all

from farm.protocol.model import NO_MODEL
from farm.protocol.states import LEASED_STATES, AttemptEnd, State
from orchestrator.rules.estimates import Took, Wanted

from . import statements
from .builds import BuildRow, row_of
from .tables import attempt, build, device, model, request

_HISTORY = 20


@dataclass(frozen=True)
class Stand:
    """What of a build says how it goes on."""

    state: State
    target_digest: str
    label: str
    model: str
    precision: str


Standing = Stand | BuildRow


@dataclass(frozen=True)
class Running:
    """A build that a device works on: the attempt, when it began, and the stage the build is in."""

    attempt: str
    started_at: float
    state: State


@dataclass(frozen=True)
class AtWork:
    """A build of a list that a device works on."""

    stand: Stand
    running: Running


@dataclass(frozen=True)
class BuildListing:
    """Which builds to list; None is any.

    Attributes:
        model: Name or digest of a model.
        targets: Digests.
        before: Those that were created earlier, in seconds since the epoch.
    """

    state: State | None = None
    model: str | None = None
    targets: tuple[str, ...] | None = None
    device: str | None = None
    before: float | None = None


def find(connection: Connection, wanted: BuildListing, limit: int) -> tuple[BuildRow, ...]:
    """The newest builds of a listing."""
    query = select(build).order_by(build.c.created_at.desc(), build.c.id.desc()).limit(limit)
    if wanted.state is not None:
        query = query.where(build.c.state == wanted.state)
    if wanted.model is not None:
        query = query.where(or_(build.c.model_name == wanted.model, build.c.model == wanted.model))
    if wanted.targets is not None:
        query = query.where(build.c.target_digest.in_(wanted.targets))
    if wanted.device is not None:
        named = select(device.c.id).where(device.c.name == wanted.device).scalar_subquery()
        query = query.where(build.c.device_id == named)
    if wanted.before is not None:
        query = query.where(build.c.created_at < wanted.before)
    return tuple(row_of(row) for row in statements.records(connection, query))


def at_work(connection: Connection, submission_ids: Collection[str]) -> dict[str, AtWork]:
    """The builds that devices work on for these submissions, by id."""
    stand = (build.c.state, build.c.target_digest, build.c.label, build.c.model, build.c.precision)
    query = _wanted_by(select(build.c.id, attempt.c.id, attempt.c.started_at, *stand), submission_ids)
    query = query.join(attempt, (attempt.c.build_id == build.c.id) & attempt.c.live)
    rows = connection.execute(query.where(request.c.state.in_(sorted(LEASED_STATES)))).all()
    return {
        build_id: AtWork(Stand(State(state), *rest), Running(attempt_id, started_at, State(state)))
        for build_id, attempt_id, started_at, state, *rest in rows
    }


def queued_targets(connection: Connection, submission_ids: Collection[str]) -> frozenset[str]:
    """The targets, by digest, of what these submissions have in the queue."""
    query = _wanted_by(select(build.c.target_digest), submission_ids).where(request.c.state == State.QUEUED)
    return frozenset(connection.execute(query.distinct()).scalars())


def queued_for(
    connection: Connection, submission_ids: Collection[str], target_digests: Collection[str]
) -> frozenset[str]:
    """The builds that these submissions have in the queue for one of these targets."""
    query = _wanted_by(select(build.c.id), submission_ids).where(request.c.state == State.QUEUED)
    return frozenset(connection.execute(query.where(build.c.target_digest.in_(target_digests))).scalars())


def running(connection: Connection, stands: Mapping[str, State]) -> dict[str, Running]:
    """The attempts that work on these builds, which are in these states, by build."""
    query = select(attempt.c.build_id, attempt.c.id, attempt.c.started_at).where(
        attempt.c.live, attempt.c.build_id.in_(stands)
    )
    rows = connection.execute(query).all() if stands else []
    return {row.build_id: Running(row.id, row.started_at, stands[row.build_id]) for row in rows}


def sizes(connection: Connection, models: Collection[str]) -> dict[str, int]:
    """The sizes in bytes of models, by digest."""
    query = select(model.c.digest, model.c.size_bytes).where(model.c.digest.in_(models))
    return {row.digest: row.size_bytes for row in connection.execute(query).all()}


def times(connection: Connection, target_digests: Collection[str]) -> dict[str, tuple[Took, ...]]:
    """How long the newest builds for each of these targets took."""
    newest = [_newest_built(digest) for digest in sorted(target_digests)]
    rows = connection.execute(union_all(*newest)).all() if newest else []
    tried = select(attempt.c.build_id, attempt.c.child_ms).where(
        attempt.c.build_id.in_([row.id for row in rows]), attempt.c.end == AttemptEnd.PUBLISHED
    )
    took = {row.build_id: row.child_ms for row in connection.execute(tried)} if rows else {}
    found: dict[str, list[Took]] = {digest: [] for digest in target_digests}
    for row in rows:
        if row.id in took:
            built = Wanted(row.model, row.precision, row.size_bytes)
            found[row.target_digest].append(Took(built, took[row.id]))
    return {digest: tuple(times) for digest, times in found.items()}


def _wanted_by(query: Select[Any], submission_ids: Collection[str]) -> Select[Any]:
    # By submission: psycopg reads a list of a thousand builds slower than the server finds them.
    wanting = request.c.submission_id.in_(submission_ids)
    return query.join_from(build, request, request.c.build_id == build.c.id).where(wanting)


def _newest_built(target_digest: str) -> Select[Any]:
    query = (
        select(build.c.id, build.c.target_digest, build.c.model, build.c.precision, model.c.size_bytes)
        .join(model, model.c.digest == build.c.model)
        .where(
            build.c.target_digest == target_digest,
            # As the condition of the index is spelled.
            ~build.c.active,
            build.c.state.in_((State.DONE, State.QUARANTINED)),
            build.c.reuse_engine_id.is_(None),
            build.c.model != NO_MODEL.digest,
        )
        .order_by(build.c.ended_at.desc())
        .limit(_HISTORY)
    )
    return select(query.subquery())


def targets_labelled(connection: Connection, part: str) -> tuple[str, ...]:
    """The digests of targets with builds whose label has this part; as fast as there are few targets."""
    # One look into the index for each target, where DISTINCT would read all of it.
    first = select(func.min(build.c.target_digest).label("digest")).cte("digests", recursive=True)
    following = select(func.min(build.c.target_digest)).where(build.c.target_digest > first.c.digest)
    every = first.union_all(select(following.correlate(first).scalar_subquery()).where(first.c.digest.is_not(None)))
    label = select(build.c.label).where(build.c.target_digest == every.c.digest).limit(1).scalar_subquery()
    rows = connection.execute(select(every.c.digest, label.label("label")).where(every.c.digest.is_not(None)))
    return tuple(row.digest for row in rows if part.lower() in row.label.lower())
