"""The devices of the farm: how they stand, and what an operator does with them."""

from __future__ import annotations

from dataclasses import replace

from farm.protocol.errors import Conflict, Forbidden, NotFound
from farm.protocol.facts import DeviceFacts
from farm.protocol.model import check_name
from farm.protocol.states import DeviceState
from farm.protocol.target import BuildTarget, targets_from_facts
from farm.protocol.views import DeviceView
from farm.protocol.work import Heartbeat, HeartbeatAnswer
from orchestrator.store import devices
from orchestrator.store.devices import DeviceRow

from .caller import Caller
from .clock import iso_or_none
from .context import Context
from .ids import new_id
from .signals import work_for
from .transaction import Transaction


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


def own_device(transaction: Transaction, caller: Caller) -> DeviceRow:
    """The device of a worker's token.

    Raises: Forbidden: it has not enrolled, or is retired.
    """
    row = devices.by_name(transaction.connection, caller.device) if caller.device else None
    if row is None or row.retired:
        raise Forbidden("this token has no enrolled device", "Enrol first: start the worker anew.")
    return row


def every(context: Context) -> tuple[DeviceView, ...]:
    """Every device that is not retired, by name."""
    with context.database.read() as connection:
        rows = devices.every(connection)
        targets = devices.targets_of(connection)
        busy = devices.busy(connection)
    return tuple(_view(context, row, targets.get(row.id, ()), busy.get(row.id, ())) for row in rows)


def show(context: Context, name: str) -> DeviceView:
    """One device.

    Raises: NotFound
    """
    with context.database.read() as connection:
        row = devices.by_name(connection, name)
        if row is None:
            raise _unknown(name)
        targets = devices.targets_of(connection, [row.id])
        busy = devices.busy(connection, [row.id])
    return _view(context, row, targets.get(row.id, ()), busy.get(row.id, ()))


def record(context: Context, name: str, facts: DeviceFacts) -> DeviceView:
    """Register a device by its facts alone, or register it anew; it never builds.

    Raises: Invalid. Conflict: a device of this name has enrolled.
    """
    check_name(name, "device")
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
            raise Conflict(f"{name!r} is a recorded device, which never claims")
        if row.draining != draining:
            devices.change(transaction.connection, row.id, draining=draining)
            transaction.emit("device", device=name, data={"state": "draining" if draining else "idle"})
        transaction.tell(work_for(row.id))
    return show(context, name)


def retire(context: Context, name: str) -> DeviceView:
    """Take a device out of the farm. Its lease, if it holds one, ends by itself; it may enrol again.

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


def _view(context: Context, row: DeviceRow, targets: tuple[BuildTarget, ...], busy: tuple[str, ...]) -> DeviceView:
    return DeviceView(
        id=row.id,
        name=row.name,
        state=_state(context, row, busy),
        roles=row.roles,
        facts=row.facts,
        slots=row.slots,
        targets=tuple(target.label() for target in targets),
        busy=busy,
        trust_group=row.trust_group,
        last_seen_at=iso_or_none(row.last_seen_at),
        telemetry=row.telemetry,
        telemetry_at=iso_or_none(row.telemetry_at),
    )


def _state(context: Context, row: DeviceRow, busy: tuple[str, ...]) -> DeviceState:
    silent_s = context.clock() - (row.last_seen_at or row.enrolled_at)
    if row.retired or row.recorded:
        return DeviceState.RETIRED if row.retired else DeviceState.RECORDED
    if silent_s > context.policy.late_s:
        return DeviceState.GONE if silent_s > context.policy.gone_s else DeviceState.LATE
    if row.draining:
        return DeviceState.DRAINING
    return DeviceState.BUSY if busy else DeviceState.IDLE
