from __future__ import annotations

from pathlib import Path

import pytest

from farm.protocol.codec import loads
from farm.protocol.errors import TargetUnavailable
from farm.protocol.facts import DeviceFacts
from farm.protocol.options import BuildOptions, Precision
from orchestrator.services import fleet, planning
from tests.support.coordinator import Coordinator, cpu_facts

FACTS = Path(__file__).parents[2] / "data" / "facts"


def recorded(farm: Coordinator, *names: str) -> None:
    for name in names:
        fleet.record(farm.context, f"{name}-1", loads(DeviceFacts, (FACTS / f"{name}.json").read_text()))


def test_three_generations_are_planned_from_their_facts(farm: Coordinator) -> None:
    recorded(farm, "xavier", "v100", "rtx4090")
    ask = farm.ask(targets=("xavier", "v100", "rtx4090"), options=BuildOptions(precision=Precision.FP16))
    rows = planning.plan(farm.context, ask).rows
    assert [row.plugin_generation for row in rows] == ["IPluginV2DynamicExt", "IPluginV3", "IPluginV3"]
    assert [row.precision_mechanism for row in rows] == [
        "builder flags TF32 and FP16",
        "builder flags TF32 and FP16",
        "graph with float16; builder flag TF32",
    ]
    assert [row.backend_version.split(".")[0] for row in rows] == ["8", "10", "11"]
    assert {row.hit for row in rows} == {"miss"}
    assert len({row.key for row in rows}) == 3
    assert [row.recorded for row in rows] == [("xavier-1",), ("v100-1",), ("rtx4090-1",)]
    assert all(not row.problems and not row.devices for row in rows)


def test_a_plan_changes_nothing_and_tells_what_a_submit_would_meet(farm: Coordinator) -> None:
    box = farm.enrol()
    ask = farm.ask()

    def hit() -> str:
        return planning.plan(farm.context, ask).rows[0].hit

    assert (hit(), hit()) == ("miss", "miss")
    farm.submit()
    assert hit() == "building"
    box.serve()
    row = planning.plan(farm.context, ask).rows[0]
    assert (row.hit, row.devices, row.estimate_s, row.problems) == ("hit", ("box",), 1.5, ())
    assert row.engine


def test_a_name_of_two_targets_lists_what_selects_each(farm: Coordinator) -> None:
    farm.enrol()
    farm.enrol("old", cpu_facts("old", version="1.19.2"))
    with pytest.raises(TargetUnavailable) as refused:
        planning.plan(farm.context, farm.ask())
    for choice in refused.value.details["candidates"]:
        assert len(planning.plan(farm.context, farm.ask(targets=(choice,))).rows) == 1
    assert len(planning.plan(farm.context, farm.ask(targets=("all",))).rows) == 2


def test_what_one_generation_lacks_is_told_before_anything_is_built(farm: Coordinator) -> None:
    recorded(farm, "xavier", "v100", "rtx4090")
    asked = {"builderOptimizationLevel": 4, "hardwareCompatibilityLevel": "ampere+"}
    options = BuildOptions(precision=Precision.FP16, backend_options=asked)
    rows = planning.plan(farm.context, farm.ask(targets=("xavier", "v100", "rtx4090"), options=options)).rows
    xavier, v100, ada = (row.problems for row in rows)
    # No level of that name, no compatible engines at all, and those neither on this card nor on a Jetson.
    assert "has no option 'builderOptimizationLevel': it begins with TensorRT 8.6" in xavier[0]
    assert len(v100) == 1
    assert "from compute capability 8.0 on, this is 7.0" in v100[0]
    assert ada == ()
