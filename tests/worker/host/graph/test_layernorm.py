from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from farm.protocol.keys import StepCall
from tests.support import models
from worker.host.graph import layernorm
from worker.host.graph.model import Model
from worker.host.graph.pipeline import Pipeline
from worker.host.graph.walk import histogram
from worker.host.load import load
from worker.host.runtime import run

from .stepping import UNMEASURED


def net(opset: int, shape: tuple[int, ...], bias: bool = True, kind: int = TensorProto.FLOAT, **attributes: Any) -> Any:
    """One LayerNormalization with a drawn scale and bias."""
    axis = attributes.get("axis", -1)
    inner = shape[axis:]
    draw = np.random.default_rng(0)
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    weights = [numpy_helper.from_array(draw.standard_normal(inner).astype(dtype), name) for name in ("scale", "bias")]
    inputs = ["x", "scale", *(["bias"] if bias else [])]
    node = helper.make_node("LayerNormalization", inputs, ["y"], name="norm", **attributes)
    values = [helper.make_tensor_value_info(name, kind, shape) for name in ("x", "y")]
    graph = helper.make_graph([node], "g", values[:1], values[1:], weights[: 1 + bias])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def simpler(proto: Any, x: Any, folder: Path) -> Model:
    """The model after the step, which has compared what both compute."""
    path = folder / "model.onnx"
    onnx.save(proto, str(path))
    (folder / "scratch").mkdir()
    pipeline = Pipeline({"x": x}, run(path, {"x": x}), "", folder / "scratch")
    model, (report,) = pipeline.run(load(path), [StepCall("layernorm")])
    assert report.largest_difference is not None
    return model


@pytest.mark.parametrize("opset", [17, 18, 20])
@pytest.mark.parametrize(
    ("bias", "attributes"), [(True, {}), (False, {"epsilon": 1e-3}), (True, {"axis": 1}), (True, {"axis": -2})]
)
def test_it_computes_what_the_operator_computes(
    tmp_path: Path, opset: int, bias: bool, attributes: dict[str, Any]
) -> None:
    x = np.random.default_rng(1).standard_normal((2, 5, 16)).astype(np.float32) * 30 + 7
    model = simpler(net(opset, x.shape, bias, **attributes), x, tmp_path)
    kinds = histogram(model.proto)
    assert "LayerNormalization" not in kinds
    assert kinds["ReduceMean"] == 2
    assert [spec.name for spec in model.outputs] == ["y"]


def test_float16_is_normalised_in_float32(tmp_path: Path) -> None:
    # The square of 300 is infinite in float16.
    x = (np.random.default_rng(1).standard_normal((2, 16)) * 300).astype(np.float16)
    model = simpler(net(17, x.shape, kind=TensorProto.FLOAT16), x, tmp_path)
    assert histogram(model.proto)["Cast"] == 2


def test_mean_and_inverse_deviation_are_given_where_somebody_takes_them(tmp_path: Path) -> None:
    proto = net(17, (2, 16))
    node = proto.graph.node[0]
    node.output.extend(["mean", "inverse"])
    for name in ("mean", "inverse"):
        proto.graph.output.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, (2, 1)))
    x = np.random.default_rng(1).standard_normal((2, 16)).astype(np.float32)
    model = simpler(proto, x, tmp_path)
    assert [spec.name for spec in model.outputs] == ["y", "mean", "inverse"]


def test_another_operator_of_that_name_stays(tmp_path: Path) -> None:
    proto = net(17, (2, 16))
    proto.graph.node[0].domain = "own"
    assert histogram(layernorm.apply(proto, {}, UNMEASURED)) == {"own::LayerNormalization": 1}


def test_a_graph_without_it_is_not_run_again(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(models.conv_net(), str(path))
    inputs = {"images": np.zeros((1, 3, 16, 16), np.float32)}
    # Outputs that the graph never gives: whoever ran it would see a difference.
    wrong = {name: array + 1 for name, array in run(path, inputs).items()}
    _, (report,) = Pipeline(inputs, wrong, "", tmp_path).run(load(path), [StepCall("layernorm")])
    assert report.largest_difference == 0.0
