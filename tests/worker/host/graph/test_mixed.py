"""The step `mixed`: float16 where the reference inputs show that it is enough."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from farm.protocol.keys import StepCall
from tests.support import models
from worker.host.graph.model import Model
from worker.host.graph.pipeline import Pipeline, StepReport
from worker.host.graph.ranges import largest_magnitudes
from worker.host.load import load
from worker.host.runtime import run

WIDTH = 16


def mixed(proto: Any, inputs: dict[str, Any], folder: Path, **parameters: Any) -> tuple[Model, StepReport]:
    path = folder / "model.onnx"
    onnx.save(proto, str(path))
    (folder / "scratch").mkdir()
    pipeline = Pipeline(inputs, run(path, inputs), "", folder / "scratch")
    model, (report,) = pipeline.run(load(path), [StepCall("mixed", parameters)])
    return model, report


def chain(scale: float) -> Any:
    """Two products with a Relu between them; the values between are about `scale` times as large as the input."""
    draw = np.random.default_rng(0)
    weights = [draw.standard_normal((WIDTH, WIDTH)).astype(np.float32) / 4 for _ in range(3)]
    weights[0] *= scale
    weights[1] /= scale
    nodes = [
        helper.make_node("MatMul", ["x", "w0"], ["large"], name="grow"),
        helper.make_node("Relu", ["large"], ["positive"]),
        helper.make_node("MatMul", ["positive", "w1"], ["small"], name="shrink"),
        helper.make_node("MatMul", ["small", "w2"], ["y"], name="last"),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", WIDTH]) for name in ("x", "y")]
    held = [numpy_helper.from_array(weight, f"w{number}") for number, weight in enumerate(weights)]
    graph = helper.make_graph(nodes, "chain", values[:1], values[1:], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def ones() -> dict[str, Any]:
    return {"x": np.random.default_rng(1).standard_normal((4, WIDTH)).astype(np.float32)}


def types(model: Model) -> dict[str, int]:
    return {weight.name: weight.data_type for weight in model.proto.graph.initializer}


def test_what_fits_becomes_float16(tmp_path: Path) -> None:
    model, report = mixed(chain(1.0), ones(), tmp_path)
    assert set(types(model).values()) == {TensorProto.FLOAT16}
    assert report.largest_difference is not None
    assert report.largest_difference < 0.05


@pytest.mark.parametrize("scale", [1e5, 1e-7])
def test_what_overflows_or_vanishes_stays_float32(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, scale: float
) -> None:
    caplog.set_level(logging.INFO)
    model, report = mixed(chain(scale), ones(), tmp_path)
    assert types(model) == {"w0": TensorProto.FLOAT, "w1": TensorProto.FLOAT, "w2": TensorProto.FLOAT16}
    assert report.largest_difference is not None
    assert report.largest_difference < 0.05
    assert "measured beyond float16, in: 2 MatMul, 1 Relu" in caplog.text


def test_headroom_is_for_inputs_that_are_larger_than_the_measured_ones(tmp_path: Path) -> None:
    (tmp_path / "little").mkdir()
    (tmp_path / "much").mkdir()
    few, _ = mixed(chain(2000.0), ones(), tmp_path / "little", headroom=1.0)
    more, _ = mixed(chain(2000.0), ones(), tmp_path / "much", headroom=64.0)
    assert types(few)["w0"] == TensorProto.FLOAT16
    assert types(more)["w0"] == TensorProto.FLOAT


def test_what_is_known_to_be_delicate_stays_float32(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("LayerNormalization", ["x", "scale"], ["normal"], axis=-1),
        helper.make_node("MatMul", ["normal", "w"], ["product"]),
        helper.make_node("Softmax", ["product"], ["y"], axis=-1),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, WIDTH]) for name in ("x", "y")]
    held = [
        numpy_helper.from_array(np.ones(WIDTH, np.float32), "scale"),
        numpy_helper.from_array(np.eye(WIDTH, dtype=np.float32), "w"),
    ]
    graph = helper.make_graph(nodes, "delicate", values[:1], values[1:], held)
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model, _ = mixed(proto, ones(), tmp_path)
    assert types(model) == {"scale": TensorProto.FLOAT, "w": TensorProto.FLOAT16}


def test_a_normalization_written_by_hand_stays_float32(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("LayerNormalization", ["x", "scale"], ["normal"], axis=-1),
        helper.make_node("MatMul", ["normal", "w"], ["y"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, WIDTH]) for name in ("x", "y")]
    held = [numpy_helper.from_array(np.eye(WIDTH, dtype=np.float32)[0], "scale")]
    held.append(numpy_helper.from_array(np.eye(WIDTH, dtype=np.float32), "w"))
    graph = helper.make_graph(nodes, "by_hand", values[:1], values[1:], held)
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    (tmp_path / "scratch").mkdir()
    pipeline = Pipeline(ones(), run(path, ones()), "", tmp_path / "scratch")
    model, _ = pipeline.run(load(path), [StepCall("layernorm"), StepCall("mixed")])
    proto = onnx.shape_inference.infer_shapes(model.proto).graph
    known = {value.name: value.type.tensor_type.elem_type for value in (*proto.value_info, *proto.output)}
    told = {node.op_type: known[node.output[0]] for node in proto.node if node.op_type in ("Sub", "ReduceMean", "Sqrt")}
    assert told == dict.fromkeys(("Sub", "ReduceMean", "Sqrt"), TensorProto.FLOAT)
    (product,) = (node for node in proto.node if node.op_type == "MatMul")
    assert known[product.output[0]] == TensorProto.FLOAT16


def test_ranges_are_those_of_the_values(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(chain(100.0), str(path))
    found = largest_magnitudes(load(path), ones(), tmp_path)
    assert set(found) == {"x", "large", "positive", "small", "y"}
    assert found["x"] == np.abs(ones()["x"]).max()
    assert found["positive"] <= found["large"]
    assert 50 < found["large"] < 1000
    assert [item.name for item in tmp_path.iterdir()] == ["model.onnx"]


def test_what_is_empty_is_as_large_as_nothing(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("NonZero", ["x"], ["places"]),
        helper.make_node("Transpose", ["places"], ["listed"]),
        helper.make_node("GatherND", ["x", "listed"], ["y"]),
    ]
    values = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3])]
    graph = helper.make_graph(nodes, "empty", values, [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n"])])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(proto, str(tmp_path / "model.onnx"))
    found = largest_magnitudes(load(tmp_path / "model.onnx"), {"x": np.zeros((2, 3), np.float32)}, tmp_path)
    assert found == {"x": 0.0, "y": 0.0}


def test_a_network_stays_right(tmp_path: Path) -> None:
    inputs = {"images": np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype(np.float32)}
    model, report = mixed(models.conv_net(), inputs, tmp_path)
    assert TensorProto.FLOAT16 in types(model).values()
    assert report.largest_difference is not None
    assert report.largest_difference < 0.05


def test_branches_stay_float32(silero: Path, tmp_path: Path) -> None:
    model, report = mixed(onnx.load(str(silero / models.SILERO_FILE)), models.silero_inputs(), tmp_path)
    assert report.largest_difference is not None
    assert report.largest_difference < 0.01
    assert any(operator.op_type == "If" for operator in model.proto.graph.node)
