"""The operator that float16 cannot hold is found among those that it can."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from farm.protocol.options import Precision
from tests.support import models
from worker.host.diagnose.diagnosis import by_values
from worker.host.graph.model import Model
from worker.host.load import load

X = np.linspace(-1, 1, 64, dtype=np.float32).reshape(4, 16)


def net(path: Path, factor: float) -> Model:
    nodes = [
        helper.make_node("Relu", ["x"], ["a"], "/stem/Relu"),
        helper.make_node("Mul", ["a", "factor"], ["b"], "/scale/Mul"),
        helper.make_node("Sqrt", ["b"], ["c"], "/scale/Sqrt"),
        helper.make_node("Mul", ["c", "shrink"], ["y"], "/head/Mul"),
    ]
    weights = {"factor": np.float32(factor), "shrink": np.float32(0.01)}
    made = models.model(nodes, {"x": ("float32", [4, 16])}, {"y": ("float32", [4, 16])}, weights)
    path.write_bytes(made.SerializeToString())
    return load(path)


@pytest.mark.parametrize(("precision", "step"), [(Precision.FP16, "float16"), (Precision.BF16, "bfloat16")])
def test_the_first_value_that_is_too_large_is_found(precision: Precision, step: str, tmp_path: Path) -> None:
    found = by_values(net(tmp_path / "net.onnx", 3e5), precision, {"x": X}, tmp_path, ())
    if precision is Precision.BF16:
        assert found.suspects == ()
        return
    (suspect,) = found.suspects
    assert (suspect.name, suspect.operator, suspect.origin) == ("/scale/Mul", "Mul", "scale")
    assert suspect.inputs == ("a float32 4x16", "factor float32 scalar, constant")
    assert f"in {step}, where" in found.what
    assert found.what.endswith("its largest value is 3e+05, more than float16 holds; an output is beyond it too")
    assert [remedy.word for remedy in found.remedies] == ["--precision mix"]
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


def test_what_drifts_on_the_way_need_not_arrive(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Add", ["x", "far"], ["a"], "/there/Add"),
        helper.make_node("Sub", ["a", "far"], ["b"], "/back/Sub"),
        helper.make_node("Mul", ["b", "nothing"], ["c"], "/gone/Mul"),
        helper.make_node("Add", ["x", "c"], ["y"], "/head/Add"),
    ]
    weights = {"far": np.float32(2000), "nothing": np.float32(0)}
    made = models.model(nodes, {"x": ("float32", [4, 16])}, {"y": ("float32", [4, 16])}, weights)
    (tmp_path / "net.onnx").write_bytes(made.SerializeToString())
    found = by_values(load(tmp_path / "net.onnx"), Precision.FP16, {"x": X}, tmp_path, ())
    assert found.suspects[0].name == "/back/Sub"
    assert found.what.endswith("the outputs stay within their tolerance all the same")


def test_mixed_precision_needs_no_remedy(tmp_path: Path) -> None:
    model = net(tmp_path / "net.onnx", 30.0)
    for precision in (Precision.FP16, Precision.MIX):
        assert by_values(model, precision, {"x": X}, tmp_path, ()).suspects == ()
