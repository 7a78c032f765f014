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


ENDLESS = {"fill": np.float32(-np.inf), "nothing": np.float32(0)}


def test_a_mask_that_is_added_to_scores_is_arithmetic_too(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Where", ["mask", "fill", "nothing"], ["covered"]),
        helper.make_node("Add", ["x", "covered"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["y"], axis=-1),
    ]
    one = Net(nodes, {"x": X, "mask": MASK}, ENDLESS, {"y": "float32"})
    changed = stepped(one, "masks")
    assert "Where" not in histogram(changed)
    same(one, changed, tmp_path)


@pytest.mark.parametrize("fill", [-np.inf, np.inf, -1e6])
def test_what_is_far_away_stays_where_something_else_reads_it(fill: float) -> None:
    nodes = [
        helper.make_node("Where", ["mask", "fill", "x"], ["scores"]),
        helper.make_node("Softmax", ["scores"], ["y"], axis=-1),
        helper.make_node("ReduceMax", ["scores"], ["z"]),
    ]
    weights = {"fill": np.float32(fill)}
    one = Net(nodes, {"x": X, "mask": MASK}, weights, {"y": "float32", "z": "float32"})
    assert stepped(one, "masks") == one.model()


def test_choices_between_two_values_and_of_whole_numbers_stay() -> None:
    floats = helper.make_node("Where", ["mask", "x", "z"], ["y"])
    whole = helper.make_node("Where", ["mask", "n", "fill"], ["m"])
    given = {"x": X, "z": -X, "mask": MASK, "n": np.arange(4)}
    one = Net([floats, whole], given, {"fill": np.array(3)}, {"y": "float32", "m": "int64"})
    assert stepped(one, "masks") == one.model()
