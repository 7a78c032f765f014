"""Operators whose names TensorRT takes for its own, before it reads a domain or asks a plugin."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

from worker.host.graph import mmcv
from worker.host.graph.walk import histogram

from .stepping import UNMEASURED

LIMITS: dict[str, Any] = {"max_output_boxes_per_class": 10, "iou_threshold": 0.5, "score_threshold": 0.05, "offset": 0}


def net(nodes: list[Any], opset: int = 17, domain: str = "mmcv") -> Any:
    inputs = [
        helper.make_tensor_value_info("data", TensorProto.FLOAT, [4, 3]),
        helper.make_tensor_value_info("places", TensorProto.INT32, [2, 1]),
        helper.make_tensor_value_info("updates", TensorProto.FLOAT, [2, 3]),
    ]
    graph = helper.make_graph(nodes, "net", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(domain, 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def stepped(model: Any) -> Any:
    return mmcv.apply(model, {}, UNMEASURED)


@pytest.mark.parametrize("domain", ["mmcv", "mmdeploy"])
def test_the_suppression_whose_limits_are_attributes_is_the_plugin(domain: str) -> None:
    node = helper.make_node("NonMaxSuppression", ["data", "updates"], ["y"], domain=domain, **LIMITS)
    model = stepped(net([node], domain=domain))
    assert histogram(model) == {"farm.plugin::TRTNonMaxSuppression": 1}
    (changed,) = model.graph.node
    assert list(changed.attribute) == list(node.attribute)
    assert [item.version for item in model.opset_import if item.domain == "farm.plugin"] == [1]


def test_the_scatter_is_the_one_of_onnx_and_reads_whole_numbers_of_its_type() -> None:
    node = helper.make_node("ScatterND", ["data", "places", "updates"], ["y"], domain="mmcv")
    model = stepped(net([node, helper.make_node("Identity", ["y"], ["z"])]))
    assert histogram(model) == {"Cast": 1, "ScatterND": 1, "Identity": 1}
    data, updates = np.zeros((4, 3), np.float32), np.ones((2, 3), np.float32)
    given = {"data": data, "places": np.array([[2], [0]], np.int32), "updates": updates}
    (found,) = ReferenceEvaluator(model).run(None, given)
    assert np.asarray(found)[:, 0].tolist() == [1, 0, 1, 0]


def test_it_looks_into_branches() -> None:
    node = helper.make_node("NonMaxSuppression", ["data", "updates"], ["y0"], domain="mmcv", **LIMITS)
    value = helper.make_tensor_value_info("y0", TensorProto.INT32, None)
    branch = helper.make_graph([node], "branch", [], [value])
    choose = helper.make_node("If", ["places"], ["y"], then_branch=branch, else_branch=branch)
    assert histogram(stepped(net([choose]))) == {"If": 1, "farm.plugin::TRTNonMaxSuppression": 2}


@pytest.mark.parametrize(
    "node",
    [
        helper.make_node("NonMaxSuppression", ["data", "updates"], ["y"]),
        helper.make_node("ScatterND", ["data", "places", "updates"], ["y"]),
        helper.make_node("MMCVRoiAlign", ["data", "updates"], ["y"], domain="mmcv"),
    ],
)
def test_operators_of_onnx_and_names_that_nobody_takes_stay(node: Any) -> None:
    model = net([node])
    before = model.SerializeToString()
    assert stepped(model).SerializeToString() == before


def test_an_opset_without_the_scatter_keeps_it() -> None:
    model = net([helper.make_node("ScatterND", ["data", "places", "updates"], ["y"], domain="mmcv")], opset=10)
    assert histogram(stepped(model)) == {"mmcv::ScatterND": 1}
