"""Which layers are held to float32, from the types of a mixed graph."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, List, Tuple

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from worker.device.builders.tensorrt.obey import float32_tensors, hold

TRT = SimpleNamespace(
    DataType=SimpleNamespace(FLOAT="FLOAT"), LayerType=SimpleNamespace(CONSTANT="CONSTANT", SOFTMAX="SOFTMAX")
)


def graph() -> Any:
    """A product in float16 between a Softmax in float32 and the output."""
    nodes = [
        helper.make_node("Softmax", ["x"], ["weights"]),
        helper.make_node("Cast", ["weights"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["half", "w"], ["product"]),
        helper.make_node("Cast", ["product"], ["y"], to=TensorProto.FLOAT),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 4]) for name in ("x", "y")]
    held = [numpy_helper.from_array(np.eye(4, dtype=np.float16), "w")]
    made = helper.make_graph(nodes, "mixed", values[:1], values[1:], held)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


class Layer:
    """What `hold` touches of an `ILayer`; a TensorRT that chooses types needs a card."""

    def __init__(self, kind: str, *outputs: str) -> None:
        self.type = kind
        self.num_outputs = len(outputs)
        self.precision = "free"
        self.set: List[Tuple[int, str]] = []
        self._outputs = [SimpleNamespace(name=name) for name in outputs]

    def get_output(self, index: int) -> Any:
        return self._outputs[index]

    def set_output_type(self, index: int, dtype: str) -> None:
        self.set.append((index, dtype))


def test_types_are_those_of_the_graph(tmp_path: Path) -> None:
    onnx.save(graph(), str(tmp_path / "model.onnx"))
    assert float32_tensors(tmp_path / "model.onnx") == {"weights", "y"}


def test_layers_that_give_float32_are_held_and_the_others_are_free() -> None:
    softmax, product = Layer("SOFTMAX", "weights"), Layer("MATRIX_MULTIPLY", "product")
    several, constant = Layer("TOPK", "product", "y"), Layer("CONSTANT", "weights")
    layers = [softmax, product, several, constant]
    network = SimpleNamespace(num_layers=len(layers), get_layer=layers.__getitem__)
    assert hold(TRT, network, frozenset({"weights", "y"})) == 2
    assert [(layer.precision, layer.set) for layer in layers] == [
        ("FLOAT", [(0, "FLOAT")]),
        ("free", []),
        ("FLOAT", [(1, "FLOAT")]),
        ("free", []),
    ]
