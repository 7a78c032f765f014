"""Graphs with branches, loops and scans that share weights and values with the graph around them."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

WIDTH = 16
Given = dict[str, Any]


def value(name: str, *shape: Any, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, list(shape))


def held(name: str, seed: int) -> Any:
    draw = np.random.default_rng(seed).standard_normal((WIDTH, WIDTH)).astype(np.float32)
    return numpy_helper.from_array(draw / 4, name)


def model(nodes: list[Any], inputs: list[Any], outputs: list[Any], weights: list[Any]) -> Any:
    graph = helper.make_graph(nodes, "outer", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def conditional() -> tuple[Any, Given]:
    """Both branches read a weight and a value that operators outside read too, and name their own ones alike."""
    branches = {
        which: helper.make_graph(
            [
                helper.make_node("MatMul", ["h", "w"], ["inner"]),
                helper.make_node(kind, ["inner", "own"], ["moved"]),
                # Neither has a float16 form that the tool knows of.
                helper.make_node("Max", ["moved", "h"], ["given"]),
            ],
            which,
            [],
            [value("given", 2, WIDTH)],
            [held("own", seed)],
        )
        for which, kind, seed in (("then_branch", "MatMul", 1), ("else_branch", "MatMul", 2))
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("If", ["flag"], ["chosen"], **branches),
        helper.make_node("Add", ["chosen", "h"], ["y"]),
    ]
    inputs = [value("x", 2, WIDTH), value("flag", kind=TensorProto.BOOL)]
    draw = np.random.default_rng(5).standard_normal((2, WIDTH)).astype(np.float32)
    return model(nodes, inputs, [value("y", 2, WIDTH)], [held("w", 0)]), {"x": draw, "flag": np.array(True)}


def looping() -> tuple[Any, Given]:
    """A loop whose body multiplies by a weight from outside and keeps below a value from outside."""
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("MatMul", ["state", "w"], ["product"]),
            helper.make_node("Min", ["product", "top"], ["low"]),
            helper.make_node("Tanh", ["low"], ["next"]),
            helper.make_node("Identity", ["next"], ["seen"]),
        ],
        "body",
        [value("i", kind=TensorProto.INT64), value("go", kind=TensorProto.BOOL), value("state", 2, WIDTH)],
        [value("on", kind=TensorProto.BOOL), value("next", 2, WIDTH), value("seen", 2, WIDTH)],
    )
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["h"]),
        helper.make_node("Sigmoid", ["h"], ["top"]),
        helper.make_node("Loop", ["times", "", "top"], ["last", "all"], body=body),
    ]
    weights = [held("w", 0), numpy_helper.from_array(np.array(3, np.int64), "times")]
    outputs = [value("last", 2, WIDTH), value("all", 3, 2, WIDTH)]
    draw = np.random.default_rng(6).standard_normal((2, WIDTH)).astype(np.float32)
    return model(nodes, [value("x", 2, WIDTH)], outputs, weights), {"x": draw}


def scanning() -> tuple[Any, Given]:
    """A scan over rows with a weight that is read outside, and a condition inside of it that reads it once more."""
    branches = {
        which: helper.make_graph(
            [helper.make_node(kind, ["w"], ["picked"])], which, [], [value("picked", WIDTH, WIDTH)]
        )
        for which, kind in (("then_branch", "Neg"), ("else_branch", "Abs"))
    }
    body = helper.make_graph(
        [
            helper.make_node("If", ["flag"], ["used"], **branches),
            helper.make_node("MatMul", ["row", "used"], ["turned"]),
            helper.make_node("Add", ["turned", "sum"], ["total"]),
            helper.make_node("Identity", ["total"], ["shown"]),
        ],
        "body",
        [value("sum", WIDTH), value("row", WIDTH)],
        [value("total", WIDTH), value("shown", WIDTH)],
    )
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["rows"]),
        helper.make_node("Scan", ["nothing", "rows"], ["end", "steps"], body=body, num_scan_inputs=1),
    ]
    weights = [held("w", 0), numpy_helper.from_array(np.zeros(WIDTH, np.float32), "nothing")]
    inputs = [value("x", 4, WIDTH), value("flag", kind=TensorProto.BOOL)]
    outputs = [value("end", WIDTH), value("steps", 4, WIDTH)]
    draw = np.random.default_rng(7).standard_normal((4, WIDTH)).astype(np.float32)
    return model(nodes, inputs, outputs, weights), {"x": draw, "flag": np.array(False)}


CASES = {"conditional": conditional, "looping": looping, "scanning": scanning}
