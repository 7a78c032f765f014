"""The queue: which work a free slot gets next. The rows are locked until the transaction ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select

from farm.protocol.facts import DeviceFacts
from farm.protocol.keys import PreparationKey
from farm.protocol.states import State
from farm.protocol.target import BuildTarget
from farm.protocol.work import Prepared
from orchestrator.rules.matching import DeviceStand

from . import builds, preparations
from .builds import BuildRow
from .parsing import facts_of, names_of, preparation_key_of, prepared_of, roles_of, target_of
from .preparations import PreparationRow
from .tables import build, device, device_target, preparation

# A host whose tools fit none of so many preparations gets none of them now; another host does.
_LOOK_AT = 32

_PREPARED = "prepared_"

_CLAIMANT = (
    select(
        device.c.id,
        device.c.name,
        device.c.roles,
        device.c.slots,
        device.c.facts,
        device.c.recorded,
        device.c.retired,
        device.c.draining,
        device.c.rests_until,
        device_target.c.target_digest,
        device_target.c.target,
    )
    .outerjoin(device_target, device_target.c.device_id == device.c.id)
    .where(device.c.name == bindparam("name"))
)

_BUILDS = (
    select(build, preparation.c.prepared.label(_PREPARED))
    .join(preparation, preparation.c.id == build.c.preparation_id)
    .where(build.c.state == State.QUEUED, build.c.target_digest.in_(bindparam("targets", expanding=True)))
)
_HINTED_BUILD = _BUILDS.where(build.c.id == bindparam("hint"))
_FIRST_BUILD = _BUILDS.order_by(build.c.priority.desc(), build.c.queued_at).limit(1)

_PREPARATIONS = select(preparation.c.id, preparation.c.spec).where(preparation.c.state == State.QUEUED)
_HINTED_PREPARATION = _PREPARATIONS.where(preparation.c.id == bindparam("hint"))
_FIRST_PREPARATIONS = _PREPARATIONS.order_by(preparation.c.priority.desc(), preparation.c.queued_at).limit(_LOOK_AT)
_FIRST_OF_PREPARATIONS = (
    select(preparation)
    .where(preparation.c.state == State.QUEUED, preparation.c.id.in_(bindparam("ids", expanding=True)))
    .order_by(preparation.c.priority.desc(), preparation.c.queued_at)
    .limit(1)
)


@dataclass(frozen=True)
class Claimant:
    """A device that asks for work: what decides whether it gets some, and what it builds for, by digest."""

    id: str
    stand: DeviceStand
    facts: DeviceFacts
    targets: dict[str, BuildTarget]


def claimant(connection: Connection, name: str) -> Claimant | None:
    """The device of this name with its targets."""
    rows = tuple(connection.execute(_CLAIMANT, {"name": name}))
    if not rows:
        return None
    row = rows[0]
    stand = DeviceStand(
        name=row.name,
        roles=roles_of(row.roles),
        slots=names_of(row.slots),
        recorded=row.recorded,
        retired=row.retired,
        draining=row.draining,
        rests_until=row.rests_until,
    )
    targets = {item.target_digest: target_of(item.target) for item in rows if item.target_digest}
    return Claimant(row.id, stand, facts_of(row.facts), targets)


@dataclass(frozen=True)
class Queued:
    """A build that a slot may have, and the prepared graph that it is built from, once there is one."""

    build: BuildRow
    prepared: Prepared | None


def next_build(connection: Connection, target_digests: Sequence[str], hint: str | None) -> Queued | None:
    """The queued build for one of these targets that comes first: the hinted one, else the most urgent, oldest one."""
    if not target_digests:
        return None
    given = {"targets": target_digests}
    row = _lock(connection, _HINTED_BUILD, build, {**given, "hint": hint}, wait=False) if hint else None
    row = row or _lock(connection, _FIRST_BUILD, build, given)
    if row is None:
        return None
    prepared = row.pop(_PREPARED)
    return Queued(builds.row_of(row), prepared_of(prepared) if prepared else None)


def next_preparation(
    connection: Connection, can_prepare: Callable[[PreparationKey], bool], hint: str | None
) -> PreparationRow | None:
    """The queued preparation of those that can be done that comes first: the hinted one, else as for builds."""
    seen = tuple(connection.execute(_HINTED_PREPARATION, {"hint": hint})) if hint else ()
    seen = seen or tuple(connection.execute(_FIRST_PREPARATIONS))
    ids = [row.id for row in seen if can_prepare(preparation_key_of(row.spec))]
    row = _lock(connection, _FIRST_OF_PREPARATIONS, preparation, {"ids": ids}) if ids else None
    return preparations.row_of(row) if row else None


def _lock(
    connection: Connection, query: Select[Any], table: Table, given: dict[str, Any], wait: bool = True
) -> dict[str, Any] | None:
    """The first row that nobody else holds; where all are held, the first that is still queued once they are let go."""
    # Others who claim hold rows that will be gone. But one that is only being looked at must not be passed over:
    # nobody might ask again for a long time.
    for skip in (True, False) if wait else (True,):
        row = connection.execute(_locking(query, table, skip), given).mappings().first()
        if row is not None:
            return dict(row)
    return None


@cache
def _locking(query: Select[Any], table: Table, skip: bool) -> Select[Any]:
    return query.with_for_update(skip_locked=skip, of=table)
