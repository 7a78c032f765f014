"""Who could build what: the view of the fleet that target words are resolved over, and that wake-ups go to."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select, update

from farm.protocol.states import Role
from orchestrator.rules.targets import Offer
from orchestrator.rules.words import BUILTIN, TargetWord

from .parsing import facts_of, target_of
from .tables import attempt, build, device, device_target, preparation
from .words import own


@dataclass(frozen=True)
class Reachable:
    """A device that may be woken."""

    id: str
    name: str


def offers(connection: Connection) -> tuple[Offer, ...]:
    """Every target of every device that is not retired, in the order of their names."""
    query = (
        select(device.c.name, device.c.facts, device.c.recorded, device_target.c.target)
        .join(device_target, device_target.c.device_id == device.c.id)
        .where(~device.c.retired)
        .order_by(device.c.name, device_target.c.target_digest)
    )
    return tuple(
        Offer(name, facts_of(facts), target_of(target), recorded)
        for name, facts, recorded, target in connection.execute(query).all()
    )


def words(connection: Connection) -> tuple[TargetWord, ...]:
    """The table of target words: the builtin ones, then the users' own, which win."""
    return (*BUILTIN, *own(connection))


def host_tools(connection: Connection, seen_after: float) -> tuple[Mapping[str, str], ...]:
    """The tools of the hosts: of those seen since then, or of all where nobody was."""
    query = select(device.c.facts, device.c.last_seen_at).where(
        ~device.c.retired, ~device.c.recorded, device.c.roles.contains(f'"{Role.HOST}"')
    )
    rows = tuple(connection.execute(query))
    alive = [row for row in rows if (row.last_seen_at or 0.0) >= seen_after]
    return tuple(facts_of(row.facts).host_tools for row in alive or rows)


def idle_builders(connection: Connection, target_digest: str, now: float, limit: int) -> tuple[Reachable, ...]:
    """Devices with a free slot that build for this target, the longest unwoken first."""
    serves = device.c.id.in_(select(device_target.c.device_id).where(device_target.c.target_digest == target_digest))
    return _idle(connection, Role.DEVICE, serves, now, limit)


def idle_hosts(connection: Connection, now: float, limit: int) -> tuple[Reachable, ...]:
    """Hosts with a free slot, the longest unwoken first."""
    return _idle(connection, Role.HOST, device.c.id.is_not(None), now, limit)


def served(connection: Connection, target_digests: Collection[str], seen_after: float) -> frozenset[str]:
    """Those of these targets that an enrolled device builds for that was seen since then."""
    query = (
        select(device_target.c.target_digest)
        .join(device, device_target.c.device_id == device.c.id)
        .where(
            device_target.c.target_digest.in_(target_digests),
            ~device.c.retired,
            ~device.c.recorded,
            device.c.last_seen_at >= seen_after,
        )
        .distinct()
    )
    return frozenset(connection.execute(query).scalars())


def has_host(connection: Connection, seen_after: float) -> bool:
    """True while a host was seen since then."""
    query = select(device.c.id).where(
        ~device.c.retired,
        ~device.c.recorded,
        device.c.roles.contains(f'"{Role.HOST}"'),
        device.c.last_seen_at >= seen_after,
    )
    return connection.execute(query.limit(1)).first() is not None


def note_woken(connection: Connection, work_id: str, devices: tuple[Reachable, ...], at: float) -> None:
    """Remember when the work and the devices were woken."""
    table = preparation if work_id.startswith("prp-") else build
    connection.execute(update(table).where(table.c.id == work_id).values(woken_at=at))
    if devices:
        ids = sorted(item.id for item in devices)
        connection.execute(update(device).where(device.c.id.in_(ids)).values(woken_at=at))


def _idle(connection: Connection, role: Role, serves: object, now: float, limit: int) -> tuple[Reachable, ...]:
    leases = (
        select(func.count())
        .select_from(attempt)
        .where(attempt.c.device_id == device.c.id, attempt.c.live)
        .scalar_subquery()
    )
    # The column holds a JSON list: one comma less than there are slots.
    slots = func.length(device.c.slots) - func.length(func.replace(device.c.slots, ",", "")) + 1
    query = (
        select(device.c.id, device.c.name)
        .where(
            serves,  # type: ignore[arg-type]  # a clause, whose own type is not public
            device.c.roles.contains(f'"{role}"'),
            ~device.c.retired,
            ~device.c.recorded,
            ~device.c.draining,
            or_(device.c.rests_until.is_(None), device.c.rests_until <= now),
            leases < slots,
        )
        .order_by(func.coalesce(device.c.woken_at, 0.0), device.c.id)
        .limit(limit)
    )
    return tuple(Reachable(row.id, row.name) for row in connection.execute(query))
