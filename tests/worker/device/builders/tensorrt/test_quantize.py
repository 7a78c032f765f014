"""Q/DQ put into a graph: int8 and FP8 with the ranges of samples, run by ONNX Runtime to see that it is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, numpy_helper

from farm.backends.tensorrt.precision import Types
from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions, Precision
from tests.support import models
from tests.worker.device.builders.orders import order_of
from worker.device.builders.base import BuildOrder
from worker.device.builders.tensorrt.fp8 import left_out
from worker.device.builders.tensorrt.quantize import quantize

NAME = "TensorRT 10.4.0"


def images(count: int, seed: int = 2) -> Any:
    return np.random.default_rng(seed).standard_normal((count, 1, 3, 16, 16)).astype(np.float32)


def order(folder: Path, precision: Precision, model: Any = None, **more: Any) -> BuildOrder:
    given = {"calibration": {"images": images(4)}, **more}
    return order_of(folder, models.conv_net() if model is None else model, BuildOptions(precision), **given)


def quantized_types(path: Path) -> set[int]:
    graph = onnx.load(str(path)).graph
    kinds = {tensor.name: tensor.data_type for tensor in graph.initializer}
    return {kinds[node.input[2]] for node in graph.node if node.op_type == "QuantizeLinear"}


@pytest.mark.parametrize(
    ("types", "precision", "element", "share"),
    [(Types.INT8, Precision.INT8, TensorProto.INT8, 0.1), (Types.FP8, Precision.FP8, TensorProto.FLOAT8E4M3FN, 0.3)],
)
def test_the_graph_computes_what_it_did_between_values_of_the_type(
    tmp_path: Path, types: Types, precision: Precision, element: int, share: float
) -> None:
    made = order(tmp_path, precision)
    path, told = quantize(made, types, NAME)
    assert quantized_types(path) == {element}
    assert told["calibration_samples"] == 4
    onnx.checker.check_model(str(path), full_check=True)
    given = {"images": images(4)[0]}
    before, after = models.plain_outputs(made.model, given), models.plain_outputs(path, given)
    for name, reference in before.items():
        off = np.abs(after[name] - reference).max() / np.sqrt(np.square(reference).mean())
        assert 0 < off < share


def test_the_largest_weight_of_a_channel_is_the_largest_number_of_fp8(tmp_path: Path) -> None:
    path, _ = quantize(order(tmp_path, Precision.FP8), Types.FP8, NAME)
    graph = onnx.load(str(path)).graph
    held = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    weights = [node for node in graph.node if node.op_type == "QuantizeLinear" and node.input[0] in held]
    assert weights
    for node in weights:
        axis = next((item.i for item in node.attribute if item.name == "axis"), None)
        weight, scale = held[node.input[0]], held[node.input[1]]
        others = tuple(place for place in range(weight.ndim) if place != axis)
        largest = np.abs(weight).max(axis=others if scale.ndim else None)
        np.testing.assert_allclose(largest, scale * 448, rtol=1e-5)


def test_fp8_raises_the_graph_to_the_opset_that_has_it(tmp_path: Path) -> None:
    made = order(tmp_path, Precision.FP8)
    assert onnx.load(str(made.model)).opset_import[0].version == 17
    path, _ = quantize(made, Types.FP8, NAME)
    assert onnx.load(str(path)).opset_import[0].version == 19


def test_convolutions_without_fp8_kernels_are_left_out(tmp_path: Path) -> None:
    model = models.conv_net()
    for number, node in enumerate(model.graph.node):
        node.name = f"{node.op_type}_{number}"
    made = order(tmp_path, Precision.FP8, model)
    # The first takes three channels.
    assert left_out(made.model) == ("Conv_0",)
    path, _ = quantize(made, Types.FP8, NAME)
    graph = onnx.load(str(path)).graph
    given = {output: node.op_type for node in graph.node for output in node.output}
    taken = {node.name: given.get(node.input[0]) for node in graph.node if node.op_type == "Conv"}
    assert taken["Conv_0"] is None
    assert list(taken.values()).count("DequantizeLinear") == len(taken) - 1


def test_without_samples_it_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="cannot build --precision fp8 without calibration data") as caught:
        quantize(order(tmp_path, Precision.FP8, calibration=None), Types.FP8, NAME)
    assert "--calib" in caught.value.hint


def test_a_model_with_q_dq_of_another_type_is_never_built_as_this_one(tmp_path: Path) -> None:
    path, _ = quantize(order(tmp_path / "first", Precision.INT8), Types.INT8, NAME)
    exported = order(tmp_path / "second", Precision.FP8, path)
    with pytest.raises(Unsupported, match="--precision fp8: the model was exported with Q/DQ to INT8"):
        quantize(exported, Types.FP8, NAME)
    same, told = quantize(exported, Types.INT8, NAME)
    assert same == exported.model
    assert told["quantized_by"] == "the exporter of the model"


def test_every_other_precision_leaves_the_graph_alone(tmp_path: Path) -> None:
    made = order(tmp_path, Precision.FP16)
    assert quantize(made, Types.AS_EXPORTED, NAME) == (made.model, {})
