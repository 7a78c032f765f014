"""The matrix tells of each name and target what is newest there, in as many statements however large it is."""

from __future__ import annotations

import pytest

from farm.protocol.errors import NotFound
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.report import Verdict
from farm.protocol.states import DeviceState, Role, State
from orchestrator.rules.cells import Standing
from orchestrator.services import fleet, matrix, submissions
from orchestrator.services.matrix import Cell, Wanted
from tests.support.coordinator import Coordinator, Talker, cpu_facts, gpu_facts
from tests.support.statements import counted

CPU, H200 = "cpu avx512f · onnxruntime 1.31.1", "NVIDIA H200 · tensorrt 8.5.3.1"


@pytest.fixture
def box(farm: Coordinator) -> Talker:
    """A device that builds for the target `CPU`."""
    return farm.enrol()


@pytest.fixture
def card(farm: Coordinator) -> Talker:
    """A device that builds for the target `H200`."""
    return farm.enrol("card", gpu_facts(), (Role.DEVICE,), ("gpu0",))


def cell(farm: Coordinator, label: str = CPU, precision: Precision | None = None) -> Cell:
    """What the matrix says of the only name and a target."""
    (row,) = matrix.show(farm.context, Wanted(precision=precision)).rows
    return next(item for item in row.cells if item.label == label)


def test_an_empty_farm_has_an_empty_matrix(farm: Coordinator) -> None:
    found = matrix.show(farm.context, Wanted())
    assert (found.rows, found.columns, found.names, found.pages) == ((), (), 0, 1)


def test_a_cell_has_the_engine_its_time_its_size_and_its_verdict(farm: Coordinator, box: Talker, card: Talker) -> None:
    farm.submit()
    box.serve()
    farm.clock.pass_s(90.0)
    found = cell(farm)
    assert found.standing is Standing.READY
    assert found.engine
    assert (found.engine.median_ms, found.engine.verdict, found.engine.noisy) == (1.1, "passed", False)
    assert (found.engine.precision, found.engine.current, found.engine.degraded) == ("fp32", True, False)
    assert found.engine.size_bytes > 0
    assert found.age_s == 90.0
    assert not found.may_submit
    hole = cell(farm, label=H200)
    assert (hole.standing, hole.engine, hole.build, hole.may_submit) == (Standing.HOLE, None, None, True)


def test_a_cell_follows_its_newest_build(farm: Coordinator, box: Talker) -> None:
    farm.submit()
    assert cell(farm).standing is Standing.BUILDING
    box.publish(box.claim_build(), Verdict.FAILED)
    wrong = cell(farm)
    assert (wrong.standing, wrong.engine, wrong.may_submit) == (Standing.QUARANTINED, None, True)
    farm.clock.pass_s(1.0)
    farm.submit(force=True)
    claim = box.claim()
    assert claim
    box.fail(claim)
    failed = cell(farm)
    assert failed.standing is Standing.FAILED
    assert failed.build
    assert failed.build.state is State.FAILED
    farm.clock.pass_s(1.0)
    farm.submit(force=True)
    claim = box.claim()
    assert claim
    box.publish(claim, noisy=True)
    ready = cell(farm)
    assert ready.standing is Standing.READY
    assert ready.engine
    assert (ready.engine.median_ms, ready.engine.noisy) == (None, True)


def test_an_engine_of_an_earlier_model_is_stale_until_the_name_points_back(farm: Coordinator, box: Talker) -> None:
    farm.submit(b"first")
    box.serve()
    first = cell(farm).engine
    farm.clock.pass_s(1.0)
    farm.submit(b"second")
    box.fail(box.claim_build())
    failed = cell(farm)
    assert failed.engine
    assert (failed.standing, failed.engine.current) == (Standing.FAILED, False)
    farm.clock.pass_s(1.0)
    farm.submit(b"third")
    box.serve()
    assert cell(farm).standing is Standing.READY
    farm.clock.pass_s(1.0)
    farm.submit(b"first")
    back = cell(farm)
    assert back.standing is Standing.READY
    assert back.engine == first
    unwanted = farm.submit(b"fourth")
    assert cell(farm).standing is Standing.BUILDING
    submissions.cancel(farm.context, unwanted.id, None, farm.user)
    stale = cell(farm)
    assert (stale.standing, stale.may_submit) == (Standing.STALE, True)


def test_precision_narrows_a_cell(farm: Coordinator, box: Talker, card: Talker) -> None:
    for precision in (Precision.FP16, Precision.FP32):
        farm.submit(targets=(H200,), options=BuildOptions(precision))
        box.serve()
        card.serve()
        farm.clock.pass_s(1.0)
    newest = cell(farm, label=H200).engine
    assert newest
    assert newest.precision == "fp32"
    narrowed = cell(farm, label=H200, precision=Precision.FP16).engine
    assert narrowed
    assert narrowed.precision == "fp16"
    assert cell(farm, label=H200, precision=Precision.INT8).standing is Standing.HOLE


def test_a_target_that_nobody_serves_any_more_is_shown_and_cannot_be_built(farm: Coordinator, box: Talker) -> None:
    farm.submit()
    box.serve()
    fleet.retire(farm.context, "box")
    farm.enrol("newer", cpu_facts("newer", version="1.32.0"))
    found = matrix.show(farm.context, Wanted())
    assert [(column.runtime, column.devices) for column in found.columns] == [
        ("onnxruntime 1.31.1", 0),
        ("onnxruntime 1.32.0", 1),
    ]
    (row,) = found.rows
    assert [(item.standing, item.may_submit) for item in row.cells] == [(Standing.READY, False), (Standing.HOLE, True)]


def test_a_recorded_device_has_a_column_that_cannot_be_built(farm: Coordinator, box: Talker) -> None:
    fleet.record(farm.context, "paper", gpu_facts())
    farm.submit()
    (column,) = (column for column in matrix.show(farm.context, Wanted()).columns if column.label == H200)
    assert (column.card, column.devices, column.recorded) == ("NVIDIA H200", 0, True)
    assert cell(farm, label=H200).standing is Standing.NOBODY
    assert fleet.show(farm.context, "paper").state is DeviceState.RECORDED


def test_filters_and_pages(farm: Coordinator, box: Talker, card: Talker) -> None:
    for number in range(matrix.ROWS + 2):
        farm.submit(b"%d" % number, name=f"net_{number:02}")
    first = matrix.show(farm.context, Wanted())
    assert (len(first.rows), first.names, first.pages) == (matrix.ROWS, matrix.ROWS + 2, 2)
    last = matrix.show(farm.context, Wanted(page=99))
    assert (last.wanted.page, [row.name for row in last.rows]) == (2, ["net_25", "net_26"])
    narrow = matrix.show(farm.context, Wanted(model="T_1", target="h200"))
    assert [row.name for row in narrow.rows] == [f"net_{number}" for number in range(10, 20)]
    assert [column.label for column in narrow.columns] == [H200]
    # A letter of a pattern is a letter.
    assert matrix.show(farm.context, Wanted(model="%")).rows == ()


def test_a_hole_is_built_as_the_model_was_submitted_last(farm: Coordinator, box: Talker, card: Talker) -> None:
    farm.submit(options=BuildOptions(Precision.FP32), priority=7, idempotency="once", force=True)
    box.serve()
    made = matrix.submit(farm.context, "net", H200, farm.user)
    assert [item.label for item in made.builds] == [H200]
    asked = matrix.asked_again(farm.context, "net", H200)
    assert (asked.priority, asked.idempotency, asked.force) == (7, None, False)
    assert cell(farm, label=H200).standing is Standing.BUILDING
    box.serve()
    card.serve()
    assert cell(farm, label=H200).standing is Standing.READY
    assert matrix.asked_again(farm.context, "net", H200, force=True).force
    with pytest.raises(NotFound, match="nothing was submitted"):
        matrix.submit(farm.context, "unknown", H200, farm.user)


def test_a_larger_matrix_takes_no_more_statements(farm: Coordinator, box: Talker, card: Talker) -> None:
    farm.submit()
    box.serve()
    with counted(farm.context.database) as small:
        matrix.show(farm.context, Wanted())
    for number in range(12):
        farm.submit(b"%d" % number, ("cpu", H200), name=f"net-{number}")
    box.serve()
    card.serve()
    with counted(farm.context.database) as large:
        assert len(matrix.show(farm.context, Wanted()).rows) == 13
    assert len(large) == len(small) <= 8
