"""Whether a slot of a device may be given work at all, and what it serves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from farm.protocol.facts import DeviceFacts
from farm.protocol.states import Role
from farm.protocol.target import CPU_BACKENDS, BuildTarget

_SLOT = re.compile(r"(?P<kind>cpu|gpu)(?P<number>[0-9]+)")


@dataclass(frozen=True)
class DeviceStand:
    """What of a device decides whether it gets work; times in seconds on the coordinator's clock."""

    name: str
    roles: tuple[Role, ...]
    slots: tuple[str, ...]
    recorded: bool = False
    retired: bool = False
    draining: bool = False
    rests_until: float | None = None


def refusals(device: DeviceStand, slot: str, roles: Sequence[Role], now: float) -> tuple[str, ...]:
    """Why this slot gets no work now, one sentence each; empty when it may."""
    found = []
    if device.recorded:
        found.append(f"{device.name} is only recorded; nothing builds there")
    if device.retired:
        found.append(f"{device.name} is retired")
    if device.draining:
        found.append(f"{device.name} is draining")
    if device.rests_until is not None and device.rests_until > now:
        found.append(f"{device.name} rests for {device.rests_until - now:.0f} s after losing several leases")
    if slot not in device.slots:
        found.append(f"{device.name} has no slot {slot!r}, only {', '.join(device.slots)}")
    if not set(roles) & set(device.roles):
        found.append(f"{device.name} is enrolled as {', '.join(device.roles)} only")
    return tuple(found)


def slot_serves(slot: str, facts: DeviceFacts, target: BuildTarget) -> bool:
    """True when builds for this target run in this slot: `cpu0` the processor's, `gpu1` those of the second card.

    A slot of another name serves all its device can.
    """
    match = _SLOT.fullmatch(slot)
    if match is None:
        return True
    on_processor = target.backend in CPU_BACKENDS or target.gpu is None
    if match["kind"] == "cpu":
        return on_processor
    number = int(match["number"])
    if on_processor or target.gpu is None or number >= len(facts.gpus):
        return False
    card = facts.gpus[number]
    return (target.gpu.name, target.gpu.compute_capability, target.gpu.mig_profile) == (
        card.name,
        card.compute_capability,
        card.mig_profile,
    )
