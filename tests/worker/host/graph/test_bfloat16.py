"""The step `bfloat16`, and the graph in float32 that rounds as it does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from farm.protocol.errors import Invalid
from farm.protocol.keys import StepCall
from tests.support import models
from worker.host.graph.model import Model
from worker.host.graph.pipeline import Pipeline, StepReport
from worker.host.graph.rounded import runnable
from worker.host.load import load
from worker.host.runtime import CannotRun, run

WIDTH = 8


def shortened(proto: Any, inputs: dict[str, Any], folder: Path) -> tuple[Model, StepReport]:
    path = folder / "model.onnx"
    onnx.save(proto, str(path))
    (folder / "scratch").mkdir()
    pipeline = Pipeline(inputs, run(path, inputs), "", folder / "scratch")
    model, (report,) = pipeline.run(load(path), [StepCall("bfloat16")])
    return model, report


def product(scale: float) -> Any:
    """A diagonal of `scale`, and one that takes it back: between the two, values are as large as it."""
    weights = [np.eye(WIDTH, dtype=np.float32) * size for size in (scale, 1 / scale)]
    nodes = [helper.make_node("MatMul", ["x", "w0"], ["large"]), helper.make_node("MatMul", ["large", "w1"], ["y"])]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, WIDTH]) for name in ("x", "y")]
    held = [numpy_helper.from_array(weight, f"w{number}") for number, weight in enumerate(weights)]
    graph = helper.make_graph(nodes, "product", values[:1], values[1:], held)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def given() -> dict[str, Any]:
    return {"x": np.random.default_rng(1).standard_normal((2, WIDTH)).astype(np.float32)}


def short(array: Any) -> Any:
    return array.astype(ml_dtypes.bfloat16).astype(np.float32)


@pytest.mark.parametrize("scale", [1.0, 2.0**40])
def test_values_are_rounded_where_the_graph_rounds_and_never_overflow(tmp_path: Path, scale: float) -> None:
    model, report = shortened(product(scale), given(), tmp_path)
    assert {weight.data_type for weight in model.proto.graph.initializer} == {TensorProto.BFLOAT16}
    x = given()["x"]
    # Scales are powers of two: the one rounding there is happens where the input is cast.
    assert report.largest_difference == np.abs(short(x) - x).max()
    assert np.abs(short(x) - x).max() > 1e-3


def test_weights_are_rounded_once_from_what_they_were(tmp_path: Path) -> None:
    proto = models.conv_net()
    inputs = {"images": np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype(np.float32)}
    model, report = shortened(proto, inputs, tmp_path)
    before = {item.name: numpy_helper.to_array(item) for item in proto.graph.initializer}
    after = {item.name: numpy_helper.to_array(item).astype(np.float32) for item in model.proto.graph.initializer}
    assert any(array.size > 100 for array in after.values())
    for name, array in after.items():
        np.testing.assert_array_equal(array, short(before[name]))
    assert report.largest_difference is not None
    assert 0 < report.largest_difference < 0.1


def test_what_was_float16_before_stays_float16(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("Relu", ["half"], ["positive"]),
        helper.make_node("Cast", ["positive"], ["whole"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["whole", "x"], ["y"]),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, WIDTH]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "halved", values[:1], values[1:])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model, _ = shortened(proto, given(), tmp_path)
    casts = {node.output[0]: node.attribute[0].i for node in model.proto.graph.node if node.op_type == "Cast"}
    assert (casts["half"], casts["whole"]) == (TensorProto.FLOAT16, TensorProto.BFLOAT16)


def test_onnx_runtime_alone_cannot_run_it(tmp_path: Path) -> None:
    inputs = {"images": np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype(np.float32)}
    model, _ = shortened(models.conv_net(), inputs, tmp_path)
    assert runnable(model) is not model
    (tmp_path / "as_it_is").mkdir()
    with pytest.raises((CannotRun, Invalid), match="bfloat16"):
        run(tmp_path / "as_it_is" / model.write(tmp_path / "as_it_is")[0], inputs)


def test_a_graph_without_bfloat16_is_run_as_it_is(tmp_path: Path) -> None:
    onnx.save(models.conv_net(), str(tmp_path / "model.onnx"))
    model = load(tmp_path / "model.onnx")
    assert runnable(model) is model
