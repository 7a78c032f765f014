"""The devices of the farm: how they stand, and what an operator does with them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from farm.protocol.errors import Conflict, Forbidden, NotFound
from farm.protocol.facts import DeviceFacts
from farm.protocol.model import check_name
from farm.protocol.states import DeviceState
from farm.protocol.target import targets_from_facts
from farm.protocol.views import DeviceView
from farm.protocol.work import Heartbeat, HeartbeatAnswer
from orchestrator.rules.facts import check_facts
from orchestrator.rules.liveness import Pulse, device_state
from orchestrator.store import devices, offers
from orchestrator.store.database import Connection
from orchestrator.store.devices import DeviceRow, DeviceStand

from .caller import Caller
from .clock import iso_or_none
from .context import Context
from .ids import new_id
from .looks import Look, looks_under
from .signals import work_for
from .transaction import Transaction


@dataclass(frozen=True)
class Standing:
    """How a device stands, without what it is; `labels` are of the targets that it builds for."""

    name: str
    state: DeviceState
    labels: tuple[str, ...]
    last_seen_at: str | None


@dataclass(frozen=True)
class DevicePulse:
    """Whether a device lives; `silent_s` is the age of its last heartbeat, None where there can be none."""

    name: str
    state: DeviceState
    silent_s: float | None


def heartbeat(context: Context, caller: Caller, beat: Heartbeat) -> HeartbeatAnswer:
    """Note that the caller's device lives, and say what it should do."""
    with context.transaction() as transaction:
        row = devices.by_name(transaction.connection, caller.device) if caller.device else None
        if row is None or row.retired:
            return HeartbeatAnswer(enrol=True)
        devices.seen(transaction.connection, row.id, transaction.at)
        if beat.telemetry:
            sampled_at = transaction.at - max(0.0, beat.sampled_s_ago)
            devices.tell_telemetry(transaction.connection, row.id, beat.telemetry, sampled_at)
    return HeartbeatAnswer(drain=row.draining)


def id_of(context: Context, caller: Caller) -> str:
    """The id of the caller's device.

    Raises: Forbidden: it has not enrolled, or is retired.
    """
    with context.database.read() as connection:
        row = devices.by_name(connection, caller.device) if caller.device else None
    if row is None or row.retired:
        raise Forbidden("this token has no enrolled device", "Enrol first: start the worker anew.")
    return row.id


def every(context: Context) -> tuple[DeviceView, ...]:
    """Every device that is not retired, by name."""
    with context.database.read() as connection:
        return _views(context, connection, devices.every(connection))


def standings(context: Context) -> tuple[Standing, ...]:
    """How every device that is not retired stands, by name; much cheaper than all that `every` knows."""
    with context.database.read() as connection:
        busy, built_for = devices.busy(connection), devices.targets_of(connection)
        stands = devices.stands(connection)
    return tuple(
        Standing(
            stand.name,
            _state(context, stand, busy.get(stand.id, ())),
            tuple(target.label() for target in built_for.get(stand.id, ())),
            iso_or_none(stand.last_seen_at),
        )
        for stand in stands
    )


def pulses(context: Context) -> tuple[DevicePulse, ...]:
    """Whether every device that is not retired lives, by name; without looking at what it is."""
    with context.database.read() as connection:
        busy = devices.busy(connection)
        stands = devices.stands(connection)
    now = context.clock()
    return tuple(
        DevicePulse(
            stand.name,
            _state(context, stand, busy.get(stand.id, ())),
            None if stand.recorded or stand.last_seen_at is None else max(0.0, now - stand.last_seen_at),
        )
        for stand in stands
    )


def show(context: Context, name: str) -> DeviceView:
    """One device.

    Raises: NotFound
    """
    with context.database.read() as connection:
        row = devices.by_name(connection, name)
        if row is None:
            raise _unknown(name)
        return _views(context, connection, (row,))[0]


def record(context: Context, name: str, facts: DeviceFacts) -> DeviceView:
    """Register a device by its facts alone, or register it anew; it never builds.

    Raises: Invalid. Conflict: a device of this name has enrolled.
    """
    check_name(name, "device")
    check_facts(facts)
    with context.transaction() as transaction:
        known = devices.by_name(transaction.connection, name)
        if known is not None and not known.recorded:
            raise Conflict(f"the device {name!r} has enrolled itself", "Record the facts under another name.")
        row = known or DeviceRow(id=new_id("dev"), name=name, recorded=True, facts=facts, enrolled_at=transaction.at)
        devices.put(transaction.connection, replace(row, facts=facts, retired=False))
        devices.set_targets(transaction.connection, row.id, targets_from_facts(facts))
        transaction.emit("device", device=name, data={"state": "recorded"})
    return show(context, name)


def drain(context: Context, name: str, draining: bool) -> DeviceView:
    """Let a device claim no more, or claim again; what runs goes on.

    Raises: NotFound. Conflict: the device is only recorded.
    """
    with context.transaction() as transaction:
        row = _known(transaction, name)
        if row.recorded:
            raise Conflict(
                f"{name!r} is a recorded device, which never claims", "Take it out with farm devices retire."
            )
        if row.draining != draining:
            devices.change(transaction.connection, row.id, draining=draining)
            transaction.emit("device", device=name, data={"state": "draining" if draining else "idle"})
        transaction.tell(work_for(row.id))
        if not draining:
            # Nobody was woken for what was queued meanwhile. There is no work to name: the device looks for itself.
            transaction.wake(row.id, row.name, row.id)
    return show(context, name)


def retire(context: Context, name: str) -> DeviceView:
    """Take a device out of the farm. Its lease, if it holds one, ends by itself; with a new token it may come back.

    Raises: NotFound
    """
    with context.transaction() as transaction:
        row = _known(transaction, name)
        devices.put(transaction.connection, replace(row, retired=True))
        devices.set_targets(transaction.connection, row.id, ())
        transaction.emit("device", device=name, data={"state": "retired"})
    if not row.recorded:
        context.wakeups.forget(name)
    return show(context, name)


def _known(transaction: Transaction, name: str) -> DeviceRow:
    row = devices.by_name(transaction.connection, name)
    if row is None:
        raise _unknown(name)
    return row


def _unknown(name: str) -> NotFound:
    return NotFound(f"there is no device {name[:80]!r}", "Run farm devices list.")


def _views(context: Context, connection: Connection, rows: tuple[DeviceRow, ...]) -> tuple[DeviceView, ...]:
    ids = [row.id for row in rows] if len(rows) == 1 else None
    built_for, busy = devices.targets_of(connection, ids), devices.busy(connection, ids)
    looks = looks_under(offers.words(connection))
    return tuple(
        _view(context, row, looks.of(row.name, row.facts, built_for.get(row.id, ())), busy.get(row.id, ()))
        for row in rows
    )


def _view(context: Context, row: DeviceRow, look: Look, busy: tuple[str, ...]) -> DeviceView:
    return DeviceView(
        id=row.id,
        name=row.name,
        state=_state(context, row, busy),
        roles=row.roles,
        facts=row.facts,
        slots=row.slots,
        targets=look.labels,
        words=look.words,
        busy=busy,
        trust_group=row.trust_group,
        last_seen_at=iso_or_none(row.last_seen_at),
        telemetry=row.telemetry,
        telemetry_at=iso_or_none(row.telemetry_at),
    )


def _state(context: Context, row: DeviceRow | DeviceStand, busy: tuple[str, ...]) -> DeviceState:
    pulse = Pulse(
        recorded=row.recorded,
        retired=row.retired,
        draining=row.draining,
        silent_s=None if row.last_seen_at is None else context.clock() - row.last_seen_at,
        slots=len(row.slots),
        leases=len(busy),
    )
    return device_state(pulse, context.policy.late_s, context.policy.gone_s)
