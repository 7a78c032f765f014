"""Where a device stands, by its switches and the age of its last heartbeat."""

from __future__ import annotations

from dataclasses import dataclass

from farm.protocol.states import DeviceState


@dataclass(frozen=True)
class Pulse:
    """What is known of a device's life; ages in seconds."""

    recorded: bool
    retired: bool
    draining: bool
    silent_s: float | None
    slots: int
    leases: int


def device_state(pulse: Pulse, late_s: float, gone_s: float) -> DeviceState:
    """The one word for a device; never heard counts as gone."""
    if pulse.retired:
        return DeviceState.RETIRED
    if pulse.recorded:
        return DeviceState.RECORDED
    if pulse.silent_s is None or pulse.silent_s >= gone_s:
        return DeviceState.GONE
    if pulse.silent_s >= late_s:
        return DeviceState.LATE
    if pulse.draining:
        return DeviceState.DRAINING
    return DeviceState.BUSY if pulse.slots and pulse.leases >= pulse.slots else DeviceState.IDLE
