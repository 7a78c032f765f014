"""A step is proposed where it changes the operator at fault, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from farm.protocol.steps import parse_step, planned_steps
from worker.host.diagnose.repairs import repairs
from worker.host.graph.model import Model

from ..graph.stepping import Net

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def words(node: object, place: Path, ran: str = "fold", **weights: np.ndarray) -> list[str]:
    after = helper.make_node("Relu", ["y"], ["z"])
    given = {"x": X, "low": np.array(0.5, np.float32)}
    net = Net([node, after], given, weights, {"z": "float32"})
    model = Model(net.model(), place, large=False)
    calls = planned_steps(ran.split(",")) if ran else ()
    return [remedy.word for remedy in repairs(model, [model.proto.graph.node[0]], calls)]


def test_each_fault_has_its_repair(tmp_path: Path) -> None:
    gather = helper.make_node("Gather", ["x", "n"], ["y"], axis=1)
    assert words(gather, tmp_path, n=np.array(-1)) == ["--steps fold,positive_gather"]
    clip = helper.make_node("Clip", ["x", "low"], ["y"])
    assert words(clip, tmp_path) == ["--steps fold,bounds"]
    norm = helper.make_node("LayerNormalization", ["x", "w"], ["y"])
    assert words(norm, tmp_path, w=np.ones(4, np.float32)) == ["--steps fold,layernorm"]
    border = helper.make_node("Pad", ["x", "n"], ["y"])
    assert words(border, tmp_path, n=np.array([1, 0, 0, 0, 0, 0])) == ["--steps fold,pads"]


def test_what_ran_is_not_proposed_and_typed_shortly(tmp_path: Path) -> None:
    gather = helper.make_node("Gather", ["x", "n"], ["y"], axis=1)
    assert words(gather, tmp_path, "default,float16", n=np.array(-1)) == ["--steps default,positive_gather"]
    assert words(gather, tmp_path, "default,positive_gather", n=np.array(-1)) == []
    own = "image_input:mean=0.5/0.5/0.5:scale=1.0,default"
    assert words(gather, tmp_path, own, n=np.array(-1)) == [f"--steps {own},positive_gather"]


@pytest.mark.parametrize("ran", ["", "fold"])
def test_an_operator_that_no_step_knows_has_none(ran: str, tmp_path: Path) -> None:
    own = helper.make_node("Own", ["x"], ["y"], domain="com.example")
    model = Net([own], {"x": X}, {}, {"y": "float32"}).model()
    assert model.graph.input[0].type.tensor_type.elem_type == TensorProto.FLOAT
    calls = [parse_step(name) for name in ran.split(",") if name]
    assert repairs(Model(model, tmp_path, large=False), [model.graph.node[0]], calls) == ()
