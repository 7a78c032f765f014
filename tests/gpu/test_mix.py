"""A graph that mixes float16 and float32, on the card: each part is computed in the type that the graph says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from farm.protocol.target import BuildTarget

from .engines import engine_of, some

WIDTH = 256
# Far beyond the largest float16, and back again.
SCALE = 1e6


def matrices() -> list[Any]:
    """Of the three products: up, down, and one that float16 holds."""
    drawn = [some(WIDTH, WIDTH, seed=seed) / 16 for seed in range(3)]
    return [drawn[0] * SCALE, drawn[1] / SCALE, drawn[2]]


def mixed_net() -> Any:
    """What the graph step `mixed` makes of three products with a Relu: the last one alone is float16."""
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["large"]),
        helper.make_node("Relu", ["large"], ["positive"]),
        helper.make_node("MatMul", ["positive", "w1"], ["small"]),
        helper.make_node("Cast", ["small"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["half", "w2"], ["product"]),
        helper.make_node("Cast", ["product"], ["y"], to=TensorProto.FLOAT),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [64, WIDTH]) for name in ("x", "y")]
    types = (np.float32, np.float32, np.float16)
    held = [
        numpy_helper.from_array(matrix.astype(types[number]), f"w{number}") for number, matrix in enumerate(matrices())
    ]
    graph = helper.make_graph(nodes, "mixed", values[:1], values[1:], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_what_float16_cannot_hold_is_computed_in_float32(tmp_path: Path, target: BuildTarget) -> None:
    up, down, last = matrices()
    with engine_of(tmp_path, mixed_net(), target, precision="mix") as engine:
        for seed in range(3):
            x = some(64, WIDTH, seed=10 + seed)
            wanted = np.maximum(x @ up, 0) @ down @ last
            found = engine.run({"x": x})["y"]
            assert np.isfinite(found).all()
            assert np.abs(found - wanted).max() < 0.02 * np.abs(wanted).max()


def test_the_network_says_what_it_mixes() -> None:
    types = {weight.name: weight.data_type for weight in mixed_net().graph.initializer}
    assert types == {"w0": TensorProto.FLOAT, "w1": TensorProto.FLOAT, "w2": TensorProto.FLOAT16}
    onnx.checker.check_model(mixed_net())
