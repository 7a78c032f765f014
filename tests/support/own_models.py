"""Models with an operator that only a plugin computes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def with_operator(folder: Path, name: str, operator: str, outputs: Sequence[str] = ("b",), seed: int = 0) -> Path:
    """A model file: a float32 matrix is added to, goes through the operator, and out of it.

    Args:
        folder: Where it is put.
        name: Of the file and the model.
        operator: In the domain `own`.
        outputs: How many it has; the first goes on, of the same shape.
        seed: Another one for each.
    """
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = np.random.default_rng(seed).standard_normal((4, 6)).astype(np.float32)
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 6])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 6])
    nodes = [
        helper.make_node("Add", ["x", "weights"], ["a"]),
        helper.make_node(operator, ["a"], list(outputs), domain="own"),
        helper.make_node("Relu", [outputs[0]], ["y"]),
    ]
    graph = helper.make_graph(nodes, "graph", [x], [y], [numpy_helper.from_array(weights, "weights")])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    path = folder / f"{name}.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), str(path))
    return path
