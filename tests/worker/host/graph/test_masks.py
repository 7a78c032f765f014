from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from worker.host.graph.walk import histogram

from .stepping import Net, same, stepped

X = np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4)
MASK = np.array([[True, False, False, True]])


@pytest.mark.parametrize("inverted", [False, True])
@pytest.mark.parametrize("order", [["fill", "x"], ["x", "fill"]])
@pytest.mark.parametrize("fill", [np.float32(-5), np.full((3, 1), 2, np.float32)], ids=["number", "column"])
def test_a_choice_is_arithmetic(inverted: bool, order: list[str], fill: np.ndarray, tmp_path: Path) -> None:
    mask = helper.make_node("Not", ["mask"], ["not"])
    choice = helper.make_node("Where", ["not" if inverted else "mask", *order], ["y"])
    one = Net([mask, choice], {"x": X, "mask": MASK}, {"fill": fill}, {"y": "float32"})
    changed = stepped(one, "masks")
    assert "Where" not in histogram(changed)
    same(one, changed, tmp_path)


def test_minus_infinity_before_softmax_is_far_enough_away(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Where", ["mask", "fill", "x"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["y"], axis=-1),
    ]
    one = Net(nodes, {"x": X, "mask": MASK}, {"fill": np.float32(-np.inf)}, {"y": "float32"})
    changed = stepped(one, "masks")
    assert histogram(changed) == {"Mul": 2, "Cast": 1, "Sub": 1, "Add": 1, "Softmax": 1}
    same(one, changed, tmp_path)


def test_choices_between_two_values_and_of_whole_numbers_stay() -> None:
    floats = helper.make_node("Where", ["mask", "x", "z"], ["y"])
    whole = helper.make_node("Where", ["mask", "n", "fill"], ["m"])
    given = {"x": X, "z": -X, "mask": MASK, "n": np.arange(4)}
    one = Net([floats, whole], given, {"fill": np.array(3)}, {"y": "float32", "m": "int64"})
    assert stepped(one, "masks") == one.model()
