"""Builds and attempts for lists, and how long builds took."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from farm.protocol.states import AttemptEnd, State

from .builds import BuildRow
from .tables import attempt, build, device

_HISTORY = 20


@dataclass(frozen=True)
class Stand:
    """What of a build says how it goes on."""

    state: State
    target_digest: str
    label: str
    model: str


Standing = Stand | BuildRow


@dataclass(frozen=True)
class Times:
    """How long the newest builds for one target took: models, and milliseconds."""

    found: tuple[tuple[str, float], ...]

    def usual_s(self, model: str) -> float | None:
        """The median of this model, else of all models."""
        times = [child_ms for of, child_ms in self.found if of == model] or [child_ms for _, child_ms in self.found]
        return statistics.median(times) / 1000.0 if times else None


@dataclass(frozen=True)
class BuildListing:
    """Which builds to list; None is any.

    Attributes:
        model: Name or digest of a model.
        targets: Digests of the targets that a word means now.
        label: Part of a label, for targets that no device has any more.
    """

    state: State | None = None
    model: str | None = None
    targets: tuple[str, ...] | None = None
    label: str | None = None
    device: str | None = None


def find(connection: Connection, wanted: BuildListing, limit: int) -> tuple[BuildRow, ...]:
    """The newest builds of a listing."""
    query = select(build).order_by(build.c.created_at.desc(), build.c.id.desc()).limit(limit)
    if wanted.state is not None:
        query = query.where(build.c.state == wanted.state)
    if wanted.model is not None:
        query = query.where(or_(build.c.model_name == wanted.model, build.c.model == wanted.model))
    if wanted.targets is not None or wanted.label is not None:
        label = func.lower(build.c.label).contains((wanted.label or "").lower(), autoescape=True)
        query = query.where(or_(build.c.target_digest.in_(wanted.targets or ()), label))
    if wanted.device is not None:
        named = select(device.c.id).where(device.c.name == wanted.device).scalar_subquery()
        query = query.where(build.c.device_id == named)
    rows = connection.execute(query).mappings()
    return tuple(BuildRow(**{**row, "state": State(row["state"])}) for row in rows)


def standings(connection: Connection, build_ids: Iterable[str]) -> dict[str, Stand]:
    """How builds stand, by id."""
    columns = select(build.c.id, build.c.state, build.c.target_digest, build.c.label, build.c.model)
    rows = connection.execute(columns.where(build.c.id.in_(tuple(build_ids))))
    return {row.id: Stand(State(row.state), row.target_digest, row.label, row.model) for row in rows}


def times(connection: Connection, target_digest: str) -> Times:
    """How long the newest builds for a target took."""
    query = (
        select(build.c.model, attempt.c.child_ms)
        .join(attempt, attempt.c.build_id == build.c.id)
        .where(
            build.c.target_digest == target_digest,
            # Spelled as the index is.
            ~build.c.active,
            build.c.state.in_((State.DONE, State.QUARANTINED)),
            build.c.reuse_engine_id.is_(None),
            attempt.c.end == AttemptEnd.PUBLISHED,
        )
        .order_by(build.c.ended_at.desc())
        .limit(_HISTORY)
    )
    return Times(tuple((row.model, row.child_ms) for row in connection.execute(query)))
