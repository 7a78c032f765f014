from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from worker.host.graph.rewrite import opset_of
from worker.host.graph.walk import histogram

from .stepping import Net, same, stepped

X = np.linspace(-2, 3, 48, dtype=np.float32).reshape(2, 3, 2, 4)
GRID = np.linspace(-1, 1, 12, dtype=np.float32).reshape(2, 3, 1, 2)
WEIGHTS = {"axes": np.array([1, -1]), "borders": np.array([1, 0, 0, 2]), "none": np.zeros(0, np.int64)}
LARGER = {"scales": np.array([1, 1, 2, 2], np.float32)}


def node(kind: str, *inputs: str, **attributes: Any) -> Any:
    return helper.make_node(kind, ["x", *inputs], ["y"], **attributes)


CASES = {
    "axes of a mean": (18, node("ReduceMean", "axes", keepdims=0)),
    "all axes": (18, node("ReduceMax")),
    "no axes at all": (18, node("ReduceMin", "none", noop_with_empty_axes=1)),
    "borders of some axes": (18, node("Pad", "borders", "", "axes")),
    "mish": (18, node("Mish")),
    "gelu": (20, node("Gelu")),
    "gelu by tanh": (20, node("Gelu", approximate="tanh")),
    "grid": (20, node("GridSample", "grid", mode="linear", align_corners=1)),
    "sizes": (19, node("Resize", "", "scales", mode="nearest", antialias=0, keep_aspect_ratio_policy="stretch")),
    "mean of windows": (19, node("AveragePool", kernel_shape=[2, 2], dilations=[1, 1])),
}


@pytest.mark.parametrize("case", CASES)
def test_newer_operators_are_written_as_they_were(case: str, tmp_path: Path) -> None:
    opset, changed_one = CASES[case]
    one = Net([changed_one], {"x": X, "grid": GRID}, {**WEIGHTS, **LARGER}, {"y": "float32"}, opset)
    changed = stepped(one, "opset")
    assert opset_of(changed) == 17
    same(one, changed, tmp_path)


def test_a_split_gets_sizes_for_its_number(tmp_path: Path) -> None:
    split = helper.make_node("Split", ["x"], ["y", "z"], axis=1, num_outputs=2)
    one = Net([split], {"x": X}, {}, {"y": "float32", "z": "float32"}, 18)
    changed = stepped(one, "opset")
    assert opset_of(changed) == 17
    same(one, changed, tmp_path)


def test_where_a_graph_came_from_is_not_forgotten() -> None:
    one = node("Gelu")
    one.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'encoder']")
    kept = helper.make_node("Relu", ["y"], ["z"])
    kept.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'head']")
    changed = stepped(Net([one, kept], {"x": X}, {}, {"z": "float32"}, 20), "opset")
    assert {item.metadata_props[0].value for item in changed.graph.node} == {"['', 'encoder']", "['', 'head']"}


@pytest.mark.parametrize(
    ("opset", "one", "told"),
    [
        (18, node("BitwiseNot"), "BitwiseNot 'b' does not exist in opset 17"),
        (18, node("Resize", "", "scales", antialias=1, mode="linear"), "Resize 'b' has no antialias in opset 17"),
    ],
)
def test_what_has_no_older_form_stays_and_is_told(
    opset: int, one: Any, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    one.name = "b"
    whole = one.op_type == "BitwiseNot"
    given = {"x": np.arange(4) if whole else X}
    net = Net([one], given, LARGER, {"y": "int64" if whole else "float32"}, opset)
    with caplog.at_level(logging.WARNING):
        assert stepped(net, "opset") == net.model()
    assert told in caplog.text


def test_an_older_graph_becomes_newer_where_that_is_asked_for(tmp_path: Path) -> None:
    one = Net([node("ReduceMean", axes=[1])], {"x": X}, {}, {"y": "float32"}, 13)
    assert stepped(one, "opset") == one.model()
    changed = stepped(one, "opset", newest=20, oldest=18)
    assert opset_of(changed) == 18
    assert histogram(changed) == {"Constant": 1, "ReduceMean": 1}
    same(one, changed, tmp_path)
