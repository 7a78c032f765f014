"""The queue: which work a free slot gets next. The rows are locked until the transaction ends."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, select

from farm.protocol.facts import DeviceFacts
from farm.protocol.keys import PreparationKey
from farm.protocol.states import Role, State
from farm.protocol.target import BuildTarget
from orchestrator.rules.matching import DeviceStand

from . import builds
from .builds import BuildRow
from .parsing import facts_of, preparation_key_of, target_of
from .tables import build, device, device_target, preparation

# A host whose tools fit none of so many preparations gets none of them now; another host does.
_LOOK_AT = 32


@dataclass(frozen=True)
class Claimant:
    """A device that asks for work: what decides whether it gets some, and what it builds for, by digest."""

    id: str
    stand: DeviceStand
    facts: DeviceFacts
    targets: dict[str, BuildTarget]


def claimant(connection: Connection, name: str) -> Claimant | None:
    """The device of this name with its targets."""
    query = (
        select(device, device_target.c.target_digest, device_target.c.target)
        .outerjoin(device_target, device_target.c.device_id == device.c.id)
        .where(device.c.name == name)
    )
    rows = tuple(connection.execute(query))
    if not rows:
        return None
    row = rows[0]
    stand = DeviceStand(
        name=row.name,
        roles=tuple(Role(item) for item in json.loads(row.roles)),
        slots=tuple(json.loads(row.slots)),
        recorded=row.recorded,
        retired=row.retired,
        draining=row.draining,
        rests_until=row.rests_until,
    )
    targets = {item.target_digest: target_of(item.target) for item in rows if item.target_digest}
    return Claimant(row.id, stand, facts_of(row.facts), targets)


def next_build(connection: Connection, target_digests: Sequence[str], hint: str | None) -> BuildRow | None:
    """The queued build for one of these targets that comes first: the hinted one, else the most urgent, oldest one."""
    if not target_digests:
        return None
    queued = select(build).where(build.c.state == State.QUEUED, build.c.target_digest.in_(target_digests))
    if hint:
        found = builds.first(connection, _unlocked(queued.where(build.c.id == hint), build))
        if found:
            return found
    ordered = queued.order_by(build.c.priority.desc(), build.c.queued_at).limit(1)
    return builds.first(connection, _unlocked(ordered, build))


def next_preparations(connection: Connection, hint: str | None) -> tuple[tuple[str, PreparationKey], ...]:
    """Queued preparations in the order in which hosts should take them: the hinted one, else the first few."""
    queued = select(preparation.c.id, preparation.c.spec).where(preparation.c.state == State.QUEUED)
    first = queued.order_by(preparation.c.priority.desc(), preparation.c.queued_at).limit(_LOOK_AT)
    queries = [queued.where(preparation.c.id == hint), first] if hint else [first]
    for query in queries:
        rows = tuple(connection.execute(_unlocked(query, preparation)))
        if rows:
            return tuple((row.id, preparation_key_of(row.spec)) for row in rows)
    return ()


def _unlocked(query: Select[Any], table: Any) -> Select[Any]:
    # Others may be claiming their own rows at this moment: never wait for them.
    return query.with_for_update(skip_locked=True, of=table)
