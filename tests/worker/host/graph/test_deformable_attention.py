"""aloception's operator and the plugin's compute the same, as the plugin's own reference answers for both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from farm.device.hosttools import TWINS_GROUP
from worker.host import twins
from worker.host.graph.model import Model
from worker.host.graph.walk import histogram

from .test_projections import after

LEVELS = ((4, 6), (2, 3))
STARTS = (0, 24)
QUERIES, HEADS, CHANNELS, POINTS = 5, 2, 8, 3
OLD, NEW = "alonet_custom::ms_deform_attn_forward", "farm.plugin::MMCVMultiScaleDeformableAttention"


@pytest.fixture(autouse=True)
def _reference_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    told = tmp_path / "twins/plugins-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: plugins\nVersion: 1.0\n")
    names = (kind.split("::")[1] for kind in (OLD, NEW))
    lines = [f"{name} = plugins.ms_deform_attn.reference:reference" for name in names]
    (told / "entry_points.txt").write_text("\n".join([f"[{TWINS_GROUP}]", *lines, ""]))
    monkeypatch.syspath_prepend(str(told.parent))
    twins._found.cache_clear()
    yield
    monkeypatch.undo()
    twins._found.cache_clear()


def net(attentions: int = 1, ahead: tuple[int, ...] = (), whole: str = "held") -> Any:
    """Attention after attention, each to the same value.

    Args:
        attentions: How many.
        ahead: Axes of one in front of the sizes of levels.
        whole: "held" where sizes are constants, "made" where operators of the graph give them.
    """
    weights: dict[str, Any] = {
        "levels": np.array(LEVELS, np.int64).reshape(*ahead, 2, 2),
        "starts": np.array(STARTS, np.int64).reshape(*ahead, 2),
        "step": np.array(64, np.int64),
    }
    nodes, read = [], ["levels", "starts"]
    if whole == "made":
        nodes = [helper.make_node("Identity", [name], [f"{name}_made"]) for name in read]
        read = ["levels_made", "starts_made"]
    inputs = {"value": [1, 30, HEADS, CHANNELS]}
    domain, kind = OLD.split("::")
    for number in range(attentions):
        inputs[f"where{number}"] = [1, QUERIES, HEADS, 2, POINTS, 2]
        inputs[f"share{number}"] = [1, QUERIES, HEADS, 2, POINTS]
        taken = ["value", *read, f"where{number}", f"share{number}", "step"]
        nodes.append(helper.make_node(kind, taken, [f"seen{number}"], domain=domain))
        nodes.append(helper.make_node("Relu", [f"seen{number}"], [f"y{number}"]))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [
            helper.make_tensor_value_info(f"y{number}", TensorProto.FLOAT, [1, QUERIES, HEADS * CHANNELS])
            for number in range(attentions)
        ],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(domain, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def taken_by_plugin(model: Model) -> list[str]:
    """The names of what the first operator of the plugin takes."""
    return list(next(item for item in model.proto.graph.node if item.domain == "farm.plugin").input)


@pytest.mark.parametrize("ahead", [(), (1,)])
def test_constants_become_int32_constants(tmp_path: Path, ahead: tuple[int, ...]) -> None:
    model = after(net(2, ahead), tmp_path, "deformable_attention")
    assert histogram(model.proto) == {NEW: 2, "Relu": 2}
    assert [item.domain for item in model.proto.opset_import] == ["", "farm.plugin"]
    held = {item.name: numpy_helper.to_array(item) for item in model.proto.graph.initializer}
    _, levels, starts, *rest = taken_by_plugin(model)
    assert len(rest) == 2
    assert set(held) == {levels, starts}
    for name, wanted in ((levels, LEVELS), (starts, STARTS)):
        assert held[name].dtype == np.int32
        np.testing.assert_array_equal(held[name], wanted)


@pytest.mark.parametrize("ahead", [(), (1,)])
def test_computed_sizes_are_converted_once(tmp_path: Path, ahead: tuple[int, ...]) -> None:
    model = after(net(2, ahead, "made"), tmp_path, "deformable_attention")
    assert histogram(model.proto) == {NEW: 2, "Relu": 2, "Identity": 2, "Cast": 2, "Reshape": 2}


def test_nothing_else_changes(tmp_path: Path) -> None:
    other = net()
    (operator, _) = other.graph.node
    operator.op_type, operator.domain = "MMCVMultiScaleDeformableAttention", "mmdeploy"
    other.opset_import[1].domain = "mmdeploy"
    assert after(other, tmp_path, "deformable_attention").proto == other
