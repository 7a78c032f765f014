"""A network with an operator of a plugin, and the NumPy twin of that operator as an installed distribution."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from farm.device.hosttools import TWINS_GROUP
from worker.host import twins

WIDTH = 16
_TWIN = """
import numpy as np

def compute(inputs, attributes):
    x = inputs[0]
    axis = attributes["dim"]
    values = np.maximum.accumulate(x, axis=axis)
    steps = np.arange(x.shape[axis]).reshape([-1 if place == axis % x.ndim else 1 for place in range(x.ndim)])
    indices = np.maximum.accumulate(np.where(x == values, steps, 0), axis=axis)
    return values, indices.astype(np.int32)
"""


def install_twin(folder: Path, patch: pytest.MonkeyPatch, source: str = _TWIN) -> None:
    """Make the twin of `cummax` known, as installing a distribution does."""
    told = folder / "own_twins-1.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: own-twins\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text(f"[{TWINS_GROUP}]\ncummax = {folder.name}_twin:compute\n")
    (folder / f"{folder.name}_twin.py").write_text(source)
    patch.syspath_prepend(str(folder))
    twins._found.cache_clear()


def net() -> Any:
    """Two products around a running maximum along the rows, whose indices are an output of their own."""
    draw = np.random.default_rng(0)
    weights = [(draw.standard_normal((WIDTH, WIDTH)) / 4).astype(np.float32) for _ in range(2)]
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["before"]),
        helper.make_node("Relu", ["before"], ["positive"]),
        helper.make_node("cummax", ["before"], ["running", "places"], domain="mmcv", dim=1),
        # What ONNX Runtime computes after the plugin reads a value from before it, too.
        helper.make_node("Add", ["running", "positive"], ["summed"]),
        helper.make_node("cummax", ["summed"], ["again", "unread"], domain="mmcv", dim=0),
        helper.make_node("MatMul", ["again", "w1"], ["y"]),
    ]
    held = [numpy_helper.from_array(weight, f"w{number}") for number, weight in enumerate(weights)]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, WIDTH])]
    outputs = [
        helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, WIDTH]),
        helper.make_tensor_value_info("places", TensorProto.INT32, [4, WIDTH]),
    ]
    graph = helper.make_graph(nodes, "net", inputs, outputs, held)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("mmcv", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def expected(x: Any) -> dict[str, Any]:
    """What the network gives, in NumPy alone."""
    first, second = (numpy_helper.to_array(tensor) for tensor in net().graph.initializer)
    before = x @ first
    again = np.maximum.accumulate(np.maximum.accumulate(before, axis=1) + np.maximum(before, 0), axis=0)
    places = np.array([[int(np.argmax(row[: end + 1])) for end in range(row.size)] for row in before])
    return {"y": again @ second, "places": places.astype(np.int32)}
