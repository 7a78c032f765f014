from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from farm.protocol.keys import StepCall
from tests.support import models
from worker.host.graph.model import Model
from worker.host.graph.pipeline import Pipeline, StepReport
from worker.host.load import load
from worker.host.runtime import run

CASES: dict[str, tuple[Any, dict[str, tuple[int, ...]]]] = {
    "convolutions": (models.conv_net(), {"images": (1, 3, 16, 16)}),
    "lstm": (models.lstm_net(), {"steps": (5, 1, 16)}),
    "topk": (models.top_k_net(), {"x": (2, 8)}),
}


def halved(proto: Any, inputs: dict[str, Any], folder: Path) -> tuple[Model, StepReport]:
    path = folder / "model.onnx"
    onnx.save(proto, str(path))
    (folder / "scratch").mkdir()
    pipeline = Pipeline(inputs, run(path, inputs), "", folder / "scratch")
    model, (report,) = pipeline.run(load(path), [StepCall("float16")])
    return model, report


@pytest.mark.parametrize("name", CASES)
def test_weights_are_float16_and_the_interface_is_as_it_was(name: str, tmp_path: Path) -> None:
    proto, shapes = CASES[name]
    draw = np.random.default_rng(0)
    inputs = {key: draw.standard_normal(shape).astype(np.float32) for key, shape in shapes.items()}
    model, report = halved(proto, inputs, tmp_path)
    before = load(tmp_path / "model.onnx")
    assert (model.inputs, model.outputs) == (before.inputs, before.outputs)
    halves = [weight for weight in model.proto.graph.initializer if weight.data_type == TensorProto.FLOAT16]
    floats = [weight for weight in model.proto.graph.initializer if weight.data_type == TensorProto.FLOAT]
    assert len(floats) == 0
    assert len(halves) == sum(w.data_type == TensorProto.FLOAT for w in before.proto.graph.initializer)
    assert report.largest_difference is not None
    assert 0 < report.largest_difference < 0.05


def test_a_branching_model_keeps_an_order_in_which_it_runs(silero: Path, tmp_path: Path) -> None:
    model, report = halved(onnx.load(str(silero / models.SILERO_FILE)), models.silero_inputs(), tmp_path)
    assert report.largest_difference is not None
    assert report.largest_difference < 0.01
    assert any(operator.op_type == "If" for operator in model.proto.graph.node)


def test_a_value_that_two_operators_need_in_float32_is_cast_once(tmp_path: Path) -> None:
    values = {name: helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "y", "z")}
    nodes = [helper.make_node("Relu", ["x"], ["h"])]
    # Neither has a float16 form that the tool knows of.
    nodes += [helper.make_node("Min", ["h", "h"], ["y"]), helper.make_node("Max", ["h", "h"], ["z"])]
    graph = helper.make_graph(nodes, "g", [values["x"]], [values["y"], values["z"]])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    model, _ = halved(proto, {"x": np.full((1, 4), 0.5, np.float32)}, tmp_path)
    widened = [node for node in model.proto.graph.node if node.op_type == "Cast" and node.input[0] == "h"]
    assert len(widened) == 1
