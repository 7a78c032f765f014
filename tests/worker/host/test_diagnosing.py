"""`farm diagnose` of a model, as a process; of a build: tests/e2e."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
from onnx import helper

from farm.protocol.exits import Exit
from tests.farm.cli.processes import completed
from tests.support import models


def test_the_first_value_that_leaves_float32_is_told(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Mul", ["x", "factor"], ["a"], "/encoder/Mul"),
        helper.make_node("Mul", ["a", "a"], ["b"], "/encoder/norm/Mul"),
        helper.make_node("Sqrt", ["b"], ["y"], "/encoder/norm/Sqrt"),
    ]
    values = {"x": ("float32", [2, 8])}, {"y": ("float32", [2, 8])}, {"factor": np.float32(2e3)}
    path = tmp_path / "net.onnx"
    onnx.save(models.model(nodes, *values), str(path))

    told = completed("diagnose", path, "--steps", "none", "--json")
    assert told.code == Exit.DONE, told.err
    found = json.loads(told.out)
    assert (found["suspects"][0]["name"], found["suspects"][0]["origin"]) == ("/encoder/norm/Mul", "encoder.norm")
    assert "becomes NaN or infinite in float16" in found["what"]
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]
    assert "every value stays" in completed("diagnose", path, "--steps", "none", "--precision", "mix").out
