"""Beginnings of graphs are models: they load, run, and give the values of the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from tests.support import models
from worker.host.diagnose.cut import Cutter
from worker.host.graph.model import Model
from worker.host.graph.walk import count
from worker.host.load import load
from worker.host.runtime import run

X = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], "first"),
        helper.make_node("MatMul", ["a", "w"], ["b"], "second"),
        helper.make_node("Shape", ["w"], ["s"], "dead"),
        helper.make_node("Add", ["b", "a"], ["c"], "third"),
        helper.make_node("Reshape", ["c", "s"], ["y"], "last"),
    ]
    made = models.model(
        nodes, {"x": ("float32", [3, 4])}, {"y": ("float32", [4, 3])}, {"w": np.eye(4, dtype=np.float32)}
    )
    made.graph.node[2].input[0] = "v"
    made.graph.initializer.append(onnx.numpy_helper.from_array(np.zeros((4, 3), np.float32), "v"))
    path = tmp_path / "source.onnx"
    path.write_bytes(made.SerializeToString())
    return load(path)


def test_it_is_cut_behind_what_depends_on_the_inputs(model: Model) -> None:
    assert Cutter(model).places == (1, 2, 4, 5)


def test_a_beginning_gives_what_the_rest_reads(model: Model, tmp_path: Path) -> None:
    whole = run(tmp_path / "source.onnx", {"x": X})
    cutter = Cutter(model)
    for place, outputs, operators in ((1, ["a"], 1), (2, ["a", "b"], 2), (4, ["c"], 3), (5, ["y"], 5)):
        part = cutter.beginning(place)
        (tmp_path / str(place)).mkdir()
        path = tmp_path / str(place) / part.write(tmp_path / str(place))[0]
        assert [spec.name for spec in load(path).outputs] == outputs
        assert count(part.proto) == operators
        found = run(path, {"x": X})
        if place == 4:
            np.testing.assert_allclose(found["c"].reshape(4, 3), whole["y"])
