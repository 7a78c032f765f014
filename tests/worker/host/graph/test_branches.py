"""Steps that change types, on graphs whose branches share weights and values with the graph around them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import onnx
import onnxslim
import pytest
from onnx import TensorProto

from farm.protocol.keys import StepCall
from tests.support import models
from worker.host.graph.model import Model
from worker.host.graph.names import distinguish
from worker.host.graph.pipeline import Pipeline, StepReport
from worker.host.graph.walk import graphs
from worker.host.load import load
from worker.host.runtime import run

from .branching import CASES, conditional

STEPS = {"float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16, "mixed": TensorProto.FLOAT16}


def stepped(name: str, proto: Any, inputs: dict[str, Any], folder: Path) -> tuple[Model, StepReport]:
    path = folder / "model.onnx"
    onnx.save(proto, str(path))
    (folder / "scratch").mkdir()
    pipeline = Pipeline(inputs, run(path, inputs), "", folder / "scratch")
    model, (report,) = pipeline.run(load(path), [StepCall(name)])
    return model, report


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("step", STEPS)
def test_the_graph_stays_right(step: str, case: str, tmp_path: Path) -> None:
    proto, inputs = CASES[case]()
    model, report = stepped(step, proto, inputs, tmp_path)
    (weight,) = (item for item in model.proto.graph.initializer if item.name == "w")
    assert weight.data_type == STEPS[step]
    assert report.largest_difference is not None
    assert 0 < report.largest_difference < (0.1 if step == "bfloat16" else 0.02)


@pytest.mark.parametrize("step", STEPS)
def test_two_branches_may_name_their_weights_alike(step: str, silero: Path, tmp_path: Path) -> None:
    simplified = onnxslim.slim(onnx.load(str(silero / models.SILERO_FILE)))
    names = [weight.name for graph in graphs(simplified.graph) for weight in graph.initializer]
    assert len(set(names)) < len(names)
    model, report = stepped(step, simplified, models.silero_inputs(), tmp_path)
    assert report.largest_difference is not None
    assert report.largest_difference < (0.05 if step == "bfloat16" else 0.01)
    assert any(operator.op_type == "If" for operator in model.proto.graph.node)


def test_a_weight_that_branches_share_is_exact_in_float32_and_halved_outside(tmp_path: Path) -> None:
    proto, inputs = conditional()
    model, _ = stepped("mixed", proto, inputs, tmp_path)
    weights = {weight.name: weight for weight in model.proto.graph.initializer}
    before = {weight.name: weight for weight in proto.graph.initializer}
    assert weights["w"].data_type == TensorProto.FLOAT16
    assert weights["w_in_float32"].raw_data == before["w"].raw_data


def test_values_get_names_of_their_own_and_the_interface_keeps_its_names(tmp_path: Path) -> None:
    proto, inputs = conditional()
    distinguish(proto)
    given = [name for graph in graphs(proto.graph) for node in graph.node for name in node.output]
    given += [weight.name for graph in graphs(proto.graph) for weight in graph.initializer]
    assert len(set(given)) == len(given)
    onnx.checker.check_model(proto)
    onnx.save(proto, str(tmp_path / "after.onnx"))
    onnx.save(conditional()[0], str(tmp_path / "before.onnx"))
    assert (run(tmp_path / "after.onnx", inputs)["y"] == run(tmp_path / "before.onnx", inputs)["y"]).all()
