from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from tests.support import models, networks
from worker.host.graph.walk import histogram

from .stepping import UNMEASURED
from .test_projections import after, weight


def layer(shape: tuple[Any, ...], *more: Any, **outputs: Any) -> Any:
    """x w + b, and what follows."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"]),
        helper.make_node("Add", ["b", "product"], ["sum"]),
        *more,
    ]
    weights = {"w": weight(shape[-1], 8), "b": weight(8, seed=1)}
    made = outputs or {"sum": ("float32", [*shape[:-1], 8])}
    return models.model(nodes, {"x": ("float32", list(shape))}, made, weights)


@pytest.mark.parametrize("shape", [(5, 16), (1, 5, 16), (2, 3, 5, 16)])
def test_a_product_with_its_bias_becomes_a_convolution(tmp_path: Path, shape: tuple[int, ...]) -> None:
    model = after(layer(shape), tmp_path, "convolutions")
    assert histogram(model.proto) == {"Reshape": 2, "Conv": 1}
    (conv,) = (operator for operator in model.proto.graph.node if operator.op_type == "Conv")
    assert len(conv.input) == 3
    assert helper.get_node_attr_value(conv, "kernel_shape") == [1, 1]
    assert model.outputs[0].name == "sum"


def test_a_relu_follows_the_convolution_at_once(tmp_path: Path) -> None:
    proto = layer((1, 5, 16), helper.make_node("Relu", ["sum"], ["y"]), y=("float32", [1, 5, 8]))
    model = after(proto, tmp_path, "convolutions")
    assert [operator.op_type for operator in model.proto.graph.node] == ["Reshape", "Conv", "Relu", "Reshape"]


def test_a_sum_with_an_older_value_follows_the_convolution_at_once(tmp_path: Path) -> None:
    proto = models.model(
        [
            helper.make_node("MatMul", ["x", "w"], ["product"]),
            helper.make_node("Add", ["product", "x"], ["y"]),
        ],
        {"x": ("float32", [1, 5, 16])},
        {"y": ("float32", [1, 5, 16])},
        {"w": weight(16, 16)},
    )
    model = after(proto, tmp_path, "convolutions")
    assert histogram(model.proto) == {"Reshape": 3, "Conv": 1, "Add": 1}
    assert model.proto.graph.node[-1].op_type == "Reshape"


def test_of_two_products_in_one_sum_the_first_takes_it(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", name], [f"{name}_out"]) for name in ("w", "v")]
    nodes.append(helper.make_node("Add", ["w_out", "v_out"], ["y"]))
    weights = {"w": weight(16, 8), "v": weight(16, 8, seed=1)}
    proto = models.model(nodes, {"x": ("float32", [1, 5, 16])}, {"y": ("float32", [1, 5, 8])}, weights)
    assert histogram(after(proto, tmp_path, "convolutions").proto) == {"Reshape": 5, "Conv": 2, "Add": 1}


def test_what_two_read_is_given_before_what_follows(tmp_path: Path) -> None:
    proto = layer(
        (1, 5, 16),
        helper.make_node("Relu", ["sum"], ["y"]),
        helper.make_node("Neg", ["sum"], ["z"]),
        y=("float32", [1, 5, 8]),
        z=("float32", [1, 5, 8]),
    )
    model = after(proto, tmp_path, "convolutions")
    assert histogram(model.proto) == {"Reshape": 2, "Conv": 1, "Relu": 1, "Neg": 1}


def test_products_of_two_values_and_of_two_open_axes_stay(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "y"], ["z"])]
    inputs = {"x": ("float32", [1, 5, 16]), "y": ("float32", [16, 8])}
    model = after(models.model(nodes, inputs, {"z": ("float32", [1, 5, 8])}, {}), tmp_path, "convolutions")
    assert histogram(model.proto) == {"MatMul": 1}


def test_one_open_axis_stays_open(tmp_path: Path) -> None:
    import onnx
    import onnxruntime

    from worker.host.graph import convolutions

    proto = layer(("n", 5, 16))
    onnx.save(proto, str(tmp_path / "before.onnx"))
    onnx.save(convolutions.apply(proto, {}, UNMEASURED), str(tmp_path / "after.onnx"))
    x = weight(3, 5, 16, seed=4)
    before, now = (
        onnxruntime.InferenceSession(str(tmp_path / f"{name}.onnx"), providers=["CPUExecutionProvider"]).run(
            None, {"x": x}
        )
        for name in ("before", "after")
    )
    assert now[0].shape == (3, 5, 8)
    np.testing.assert_allclose(now[0], before[0], rtol=1e-5, atol=1e-5)


def test_a_whole_transformer_has_no_product_with_a_constant_left(tmp_path: Path) -> None:
    model = after(networks.detr(64, 64, queries=4, layers=2), tmp_path, "convolutions")
    constants = {weight.name for weight in model.proto.graph.initializer}
    products = [operator for operator in model.proto.graph.node if operator.op_type == "MatMul"]
    # Two in each attention, of which there is one in each of two layers of the encoder, and two in the decoder's.
    assert len(products) == 2 * (2 + 4)
    assert not constants.intersection(name for operator in products for name in operator.input)
