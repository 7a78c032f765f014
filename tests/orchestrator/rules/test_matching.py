"""Which slot of which device gets work."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.protocol.states import Role
from farm.protocol.target import BuildTarget, GpuClass
from orchestrator.rules.matching import DeviceStand, refusals, slot_serves
from tests.support.coordinator import gpu_facts

from .samples import target

STAND = DeviceStand("box", (Role.DEVICE,), ("gpu0",))


@pytest.mark.parametrize(
    ("stand", "slot", "roles", "told"),
    [
        (STAND, "gpu0", (Role.DEVICE, Role.HOST), ""),
        (STAND, "gpu1", (Role.DEVICE,), "no slot"),
        (STAND, "gpu0", (Role.HOST,), "enrolled as device"),
        (replace(STAND, draining=True), "gpu0", (Role.DEVICE,), "draining"),
        (replace(STAND, retired=True), "gpu0", (Role.DEVICE,), "retired"),
        (replace(STAND, recorded=True), "gpu0", (Role.DEVICE,), "recorded"),
        (replace(STAND, rests_until=110.0), "gpu0", (Role.DEVICE,), "rests for 10 s"),
        (replace(STAND, rests_until=99.0), "gpu0", (Role.DEVICE,), ""),
    ],
)
def test_why_a_slot_gets_nothing(stand: DeviceStand, slot: str, roles: tuple[Role, ...], told: str) -> None:
    found = refusals(stand, slot, roles, now=100.0)
    assert any(told in item for item in found) if told else found == ()


def test_slots_serve_their_own_accelerator() -> None:
    facts = gpu_facts()
    other = replace(facts, gpus=(*facts.gpus, replace(facts.gpus[0], name="NVIDIA T4", compute_capability="7.5")))
    h200 = BuildTarget("tensorrt", "8.5.3.1", "linux-x86_64", "g", gpu=GpuClass("NVIDIA H200", "9.0"))
    t4 = replace(h200, gpu=GpuClass("NVIDIA T4", "7.5"))
    cpu = target("onnxruntime", sm=None)
    served = {slot: [slot_serves(slot, other, item) for item in (h200, t4, cpu)] for slot in ("gpu0", "gpu1", "cpu0")}
    assert served == {
        "gpu0": [True, False, False],
        "gpu1": [False, True, False],
        "cpu0": [False, False, True],
    }
    assert not slot_serves("gpu2", other, h200)
    assert slot_serves("bench", other, h200)
