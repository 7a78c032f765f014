from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from worker.host.graph.walk import histogram

from .stepping import Net, same, stepped

X = np.linspace(-2, 2, 12, dtype=np.float32).reshape(3, 4)
LOW, HIGH = np.float32(-1), np.float32(0.5)


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        (["low", "high"], {"Max": 1, "Min": 1}),
        (["", "high"], {"Min": 1}),
        (["low"], {"Max": 1}),
        (["fixed", "high"], {"Max": 1, "Min": 1}),
    ],
)
def test_limits_that_are_computed_are_no_limits_of_a_clip(
    limits: list[str], left: dict[str, int], tmp_path: Path
) -> None:
    node = helper.make_node("Clip", ["x", *limits], ["y"])
    given = {"x": X, "low": np.array(LOW), "high": np.array(HIGH)}
    one = Net([node], given, {"fixed": np.float32(-0.25)}, {"y": "float32"})
    changed = stepped(one, "bounds")
    assert histogram(changed) == left
    same(one, changed, tmp_path)


def test_constant_limits_stay() -> None:
    one = Net([helper.make_node("Clip", ["x", "low"], ["y"])], {"x": X}, {"low": LOW}, {"y": "float32"})
    assert stepped(one, "bounds") == one.model()


@pytest.mark.parametrize("steps", [["", "steps"], []])
def test_a_slice_names_its_axes(steps: list[str], tmp_path: Path) -> None:
    node = helper.make_node("Slice", ["x", "starts", "ends", *steps], ["y"])
    given = {"x": X, "starts": np.array([0, 1]), "ends": np.array([3, 4])}
    one = Net([node], given, {"steps": np.array([1, 2])}, {"y": "float32"})
    changed = stepped(one, "bounds")
    assert changed.graph.node[0].input[3] == "y/axes"
    same(one, changed, tmp_path)
