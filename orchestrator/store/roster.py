"""What devices work on, and what waits for them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from farm.protocol.states import State

from .tables import attempt, build, device_target, preparation


@dataclass(frozen=True)
class AtWork:
    """A lease that is held.

    Attributes:
        build: None where it is of a preparation.
        model_name: Of the build; of a preparation the digest of its model.
        label: Of the target; empty for a preparation.
    """

    device_id: str
    slot: str
    attempt: str
    build: str | None
    model_name: str
    label: str
    state: State
    started_at: float


def at_work(connection: Connection, device_ids: Collection[str]) -> tuple[AtWork, ...]:
    """What these devices work on, the longest first."""
    query = (
        select(
            attempt.c.device_id,
            attempt.c.slot,
            attempt.c.id,
            attempt.c.build_id,
            func.coalesce(build.c.model_name, preparation.c.model, ""),
            func.coalesce(build.c.label, ""),
            func.coalesce(build.c.state, preparation.c.state),
            attempt.c.started_at,
        )
        .outerjoin(build, build.c.id == attempt.c.build_id)
        .outerjoin(preparation, preparation.c.id == attempt.c.preparation_id)
        .where(attempt.c.live, attempt.c.device_id.in_(tuple(device_ids)))
        .order_by(attempt.c.started_at)
    )
    return tuple(
        AtWork(device_id, slot, attempt_id, build_id, name, label, State(state), started_at)
        for device_id, slot, attempt_id, build_id, name, label, state, started_at in connection.execute(query).all()
    )


def queued_builds(connection: Connection, device_ids: Collection[str]) -> dict[str, int]:
    """How many queued builds each of these devices could take, by id; one without any is left out."""
    waiting = (
        select(build.c.target_digest, func.count().label("number"))
        .where(build.c.state == State.QUEUED)
        .group_by(build.c.target_digest)
        .subquery()
    )
    query = (
        select(device_target.c.device_id, func.sum(waiting.c.number))
        .join(waiting, waiting.c.target_digest == device_target.c.target_digest)
        .where(device_target.c.device_id.in_(tuple(device_ids)))
        .group_by(device_target.c.device_id)
    )
    return {device_id: int(number) for device_id, number in connection.execute(query).all()}


def queued_preparations(connection: Connection) -> int:
    """How many preparations any host could take."""
    query = select(func.count()).select_from(preparation).where(preparation.c.state == State.QUEUED)
    return int(connection.execute(query).scalar_one())
