"""Rows of devices, and of what each can build for."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import orjson
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from farm.protocol.codec import digest, dumps
from farm.protocol.facts import DeviceFacts
from farm.protocol.states import Role
from farm.protocol.target import BuildTarget

from . import statements
from .parsing import facts_of, names_of, roles_of, target_of
from .tables import attempt, device, device_target


@dataclass(frozen=True)
class DeviceRow:
    """One device. Times are seconds since the epoch; the columns say the rest."""

    id: str
    name: str
    recorded: bool
    facts: DeviceFacts
    enrolled_at: float
    roles: tuple[Role, ...] = ()
    slots: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    trust_group: str = "default"
    draining: bool = False
    retired: bool = False
    lost_leases: int = 0
    rests_until: float | None = None
    telemetry: dict[str, float] = field(default_factory=dict)
    telemetry_at: float | None = None
    last_seen_at: float | None = None
    woken_at: float | None = None


_NAMES = tuple(item.name for item in fields(DeviceRow))
_ALL = select(*(device.c[name] for name in _NAMES))
_BY_NAME = _ALL.where(device.c.name == bindparam("name"))
_BY_ID = _ALL.where(device.c.id == bindparam("id"))
# The columns that hold text of something else, by their place.
_PARSERS: tuple[tuple[int, Callable[[str], Any]], ...] = tuple(
    (_NAMES.index(name), parse)
    for name, parse in (
        ("facts", facts_of),
        ("roles", roles_of),
        ("slots", names_of),
        ("allowed", names_of),
        ("telemetry", orjson.loads),
    )
)


@dataclass(frozen=True)
class DeviceStand:
    """What of a device tells its state."""

    id: str
    name: str
    recorded: bool
    retired: bool
    draining: bool
    slots: tuple[str, ...]
    last_seen_at: float | None


def stands(connection: Connection) -> tuple[DeviceStand, ...]:
    """How all devices stand that are not retired, by name."""
    columns = (device.c[item.name] for item in fields(DeviceStand))
    rows = connection.execute(select(*columns).where(~device.c.retired).order_by(device.c.name))
    return tuple(
        DeviceStand(device_id, name, recorded, retired, draining, names_of(slots), last_seen_at)
        for device_id, name, recorded, retired, draining, slots, last_seen_at in rows.all()
    )


def by_name(connection: Connection, name: str) -> DeviceRow | None:
    """The device of this name, retired or not."""
    row = connection.execute(_BY_NAME, {"name": name}).first()
    return _row(row) if row else None


def by_id(connection: Connection, device_id: str) -> DeviceRow | None:
    """The device of this id."""
    row = connection.execute(_BY_ID, {"id": device_id}).first()
    return _row(row) if row else None


def every(connection: Connection, retired: bool = False) -> tuple[DeviceRow, ...]:
    """All devices by name, without the retired ones unless asked for."""
    query = _ALL.order_by(device.c.name)
    if not retired:
        query = query.where(~device.c.retired)
    return tuple(map(_row, connection.execute(query).all()))


def facts(connection: Connection, names: Collection[str]) -> dict[str, DeviceFacts]:
    """What devices are, by name; also of those that are retired."""
    query = select(device.c.name, device.c.facts).where(device.c.name.in_(names))
    return {row.name: facts_of(row.facts) for row in connection.execute(query)}


def put(connection: Connection, row: DeviceRow) -> None:
    """Store a device, new or changed."""
    values = _values(row)
    changed = connection.execute(update(device).where(device.c.id == row.id).values(**values)).rowcount
    if not changed:
        connection.execute(insert(device).values(**values))


def change(connection: Connection, device_id: str, **columns: Any) -> None:
    """Change single columns that hold plain values."""
    statements.change(connection, device, device_id, columns)


def seen(connection: Connection, device_id: str, at: float) -> None:
    """Note that the device lives."""
    change(connection, device_id, last_seen_at=at)


def tell_telemetry(connection: Connection, device_id: str, telemetry: dict[str, float], at: float) -> None:
    """Store the newest telemetry."""
    change(connection, device_id, telemetry=json.dumps(telemetry), telemetry_at=at)


def set_targets(connection: Connection, device_id: str, targets: Iterable[BuildTarget]) -> None:
    """Replace what a device can build for."""
    connection.execute(delete(device_target).where(device_target.c.device_id == device_id))
    rows = [{"device_id": device_id, "target_digest": digest(item), "target": dumps(item)} for item in targets]
    if rows:
        connection.execute(insert(device_target), rows)


def targets_of(connection: Connection, device_ids: Iterable[str] | None = None) -> dict[str, tuple[BuildTarget, ...]]:
    """What devices can build for, by device id; of all devices unless some are named."""
    query = select(device_target.c.device_id, device_target.c.target).order_by(
        device_target.c.device_id, device_target.c.target_digest
    )
    if device_ids is not None:
        query = query.where(device_target.c.device_id.in_(tuple(device_ids)))
    found: dict[str, tuple[BuildTarget, ...]] = {}
    for device_id, target in connection.execute(query).all():
        found[device_id] = (*found.get(device_id, ()), target_of(target))
    return found


def busy(connection: Connection, device_ids: Iterable[str] | None = None) -> dict[str, tuple[str, ...]]:
    """Ids of the builds and preparations that run, by device id."""
    query = select(attempt.c.device_id, attempt.c.build_id, attempt.c.preparation_id).where(attempt.c.live)
    if device_ids is not None:
        query = query.where(attempt.c.device_id.in_(tuple(device_ids)))
    found: dict[str, tuple[str, ...]] = {}
    for device_id, build_id, preparation_id in connection.execute(query.order_by(attempt.c.started_at)).all():
        found[device_id] = (*found.get(device_id, ()), build_id or preparation_id)
    return found


def _values(row: DeviceRow) -> dict[str, Any]:
    return {
        **row.__dict__,
        "facts": dumps(row.facts),
        "roles": json.dumps([str(role) for role in row.roles]),
        "slots": json.dumps(row.slots),
        "allowed": json.dumps(row.allowed),
        "telemetry": json.dumps(row.telemetry),
    }


def _row(row: Sequence[Any]) -> DeviceRow:
    # A fleet has a thousand: by position is half the work of by name.
    values = list(row)
    for place, parse in _PARSERS:
        values[place] = parse(values[place])
    return DeviceRow(*values)
