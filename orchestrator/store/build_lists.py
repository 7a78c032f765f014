"""Builds and attempts for lists, and how long builds took."""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select

from farm.protocol.states import AttemptEnd, State

from .builds import BuildRow
from .tables import attempt, build, device

_HISTORY = 20


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


def usual_s(connection: Connection, target_digest: str, model: str) -> float | None:
    """How long builds for this target take: the median of the newest ones of this model, else of all models."""
    query = (
        select(attempt.c.child_ms, build.c.model)
        .join(build, build.c.id == attempt.c.build_id)
        .where(
            build.c.target_digest == target_digest,
            build.c.state.in_((State.DONE, State.QUARANTINED)),
            build.c.reuse_engine_id.is_(None),
            attempt.c.end == AttemptEnd.PUBLISHED,
        )
        .order_by(build.c.queued_at.desc())
        .limit(_HISTORY)
    )
    rows = tuple(connection.execute(query))
    times = [row.child_ms for row in rows if row.model == model] or [row.child_ms for row in rows]
    return statistics.median(times) / 1000.0 if times else None
