"""Drift holds against each other what devices gave for the same inputs, as far as values of their outputs are kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from farm.protocol.errors import NotFound
from farm.protocol.options import Comparator, VerifyPolicy
from farm.protocol.report import ErrorStatistics, OutputVerification, Verdict, VerificationReport
from farm.protocol.samples import pack
from farm.protocol.states import Role
from farm.protocol.work import Claim
from orchestrator.services import drift
from orchestrator.store import references
from tests.support.coordinator import Coordinator, Talker, cpu_facts
from tests.support.statements import counted

INPUTS, OTHER_INPUTS = "1" * 64, "2" * 64


@pytest.fixture
def boxes(farm: Coordinator) -> list[Talker]:
    """A host, and devices of three targets."""
    devices = [
        farm.enrol(f"box-{number}", cpu_facts(f"box-{number}", f"1.{number}.0"), (Role.DEVICE,)) for number in range(3)
    ]
    return [farm.enrol("host", roles=(Role.HOST,)), *devices]


def verified(
    farm: Coordinator, claim: Claim, kept: tuple[float, ...] | None, inputs: str = INPUTS, **changed: Any
) -> VerificationReport:
    """What a device found that keeps these values of its only output."""
    assert claim.build
    output = OutputVerification("y", Verdict.PASSED, "", (4,), 1e-3, 1e-3, ErrorStatistics(0.25), elements=4)
    report = VerificationReport(Verdict.PASSED, "onnxruntime", (output,), claim.build.verify, inputs=inputs)
    if kept is not None:
        stored = farm.context.blobs.put_bytes(pack(kept))
        report = replace(report, outputs=(replace(output, values=len(kept)),), values=stored.sha256)
    return replace(report, **changed)


def publish(farm: Coordinator, box: Talker, kept: tuple[float, ...] | None, **changed: Any) -> str:
    """Let a device build what waits for it; its engine."""
    claim = box.claim()
    assert claim
    return box.publish(claim, verification=verified(farm, claim, kept, **changed)).engine


def submit(farm: Coordinator, host: Talker, boxes: list[Talker], **changed: Any) -> None:
    farm.submit(targets=tuple(str(box.caller.device) for box in boxes), **changed)
    host.serve()


def test_devices_that_ran_the_same_inputs_are_held_against_each_other(farm: Coordinator, boxes: list[Talker]) -> None:
    host, *devices = boxes
    submit(farm, host, devices)
    engines = [
        publish(farm, box, values)
        for box, values in zip(
            devices, [(1.0, 2.0, 3.0, 4.0), (1.0, 2.5, 3.0, 4.0), (1.0, 2.0, 3.0, 4.25)], strict=True
        )
    ]
    found = drift.of_model(farm.context, "net")
    (group,) = found.groups
    assert [side.engine for side in group.sides] == engines
    assert [(side.device, side.error, side.verdict) for side in group.sides] == [
        (f"box-{number}", 0.25, Verdict.PASSED) for number in range(3)
    ]
    (output,) = group.outputs
    assert (output.name, output.drift.worst, output.drift.own) == ("y", 0.5, (0.5, 0.5, 0.5))
    assert (output.drift.every, output.drift.at_most) == (True, 0.5)
    assert (found.untold, found.hidden) == ((), 0)


def test_other_inputs_and_missing_values_are_told_apart(farm: Coordinator, boxes: list[Talker]) -> None:
    host, *devices = boxes
    submit(farm, host, devices)
    publish(farm, devices[0], (1.0, 2.0, 3.0, 4.0))
    publish(farm, devices[1], (9.0, 9.0, 9.0, 9.0), inputs=OTHER_INPUTS)
    publish(farm, devices[2], None)
    found = drift.of_model(farm.context, "net")
    assert [group.inputs for group in found.groups] == [INPUTS, OTHER_INPUTS]
    assert {group.outputs[0].drift.reason for group in found.groups} == {"no other engine ran these inputs"}
    assert [proof.device for proof in found.untold] == ["box-2"]


def test_values_that_are_gone_or_not_as_many_as_told_are_not_compared(farm: Coordinator, boxes: list[Talker]) -> None:
    host, *devices = boxes
    submit(farm, host, devices)
    publish(farm, devices[0], (1.0, 2.0, 3.0, 4.0))
    publish(farm, devices[1], (1.0, 2.0), values=farm.context.blobs.put_bytes(pack((1.0,))).sha256)
    publish(farm, devices[2], (5.0, 6.0, 7.0, 8.0), values=farm.context.blobs.put_bytes(b"else").sha256)
    assert [proof.device for proof in drift.of_model(farm.context, "net").untold] == ["box-1", "box-2"]


def test_outputs_without_an_order_do_not_compare(farm: Coordinator, boxes: list[Talker]) -> None:
    host, *devices = boxes
    submit(farm, host, devices[:2], verify=VerifyPolicy(comparators={"y": Comparator.SORTED}))
    for box in devices[:2]:
        publish(farm, box, (1.0, 2.0, 3.0, 4.0))
    (group,) = drift.of_model(farm.context, "net").groups
    assert group.outputs[0].drift.reason == "its values have no order"


def test_values_are_kept_as_long_as_their_engine(farm: Coordinator, boxes: list[Talker]) -> None:
    host, box, *_ = boxes
    submit(farm, host, [box])
    publish(farm, box, (1.0, 2.0, 3.0, 4.0))
    submit(farm, host, [box], verify=VerifyPolicy(atol={"": 0.5}))
    engine = publish(farm, box, (1.0, 2.0, 3.0, 5.0))
    found = [farm.context.blobs.put_bytes(pack((1.0, 2.0, 3.0, last))).sha256 for last in (4.0, 5.0)]
    with farm.context.database.write() as connection:
        assert references.blobs(connection).issuperset(found)
        references.remove_engines(connection, (engine,), farm.clock())
        assert references.blobs(connection).isdisjoint(found)


def test_more_devices_take_no_more_statements(farm: Coordinator, boxes: list[Talker]) -> None:
    host, *devices = boxes
    submit(farm, host, devices)
    publish(farm, devices[0], (1.0, 2.0, 3.0, 4.0))
    with counted(farm.context.database) as few:
        drift.of_model(farm.context, "net")
    for box in devices[1:]:
        publish(farm, box, (1.0, 2.0, 3.0, 4.0))
    with counted(farm.context.database) as many:
        assert len(drift.of_model(farm.context, "net").groups[0].sides) == 3
    assert len(many) == len(few) <= 5


def test_an_unknown_name_is_not_found(farm: Coordinator) -> None:
    with pytest.raises(NotFound, match="no model 'net'"):
        drift.of_model(farm.context, "net")
