from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper, numpy_helper

from worker.host.graph.walk import histogram

from .stepping import Net, same, stepped

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


def net(places: np.ndarray, axis: int, kind: str = "Gather", opset: int = 17, open_axis: bool = False) -> Net:
    shape: list[int | str] = [2, "N", 4] if open_axis else [2, 3, 4]
    node = helper.make_node(kind, ["x", "places"], ["y"], axis=axis)
    return Net([node], {"x": X}, {"places": places}, {"y": "float32"}, opset, {"x": shape})


@pytest.mark.parametrize("places", [np.array(-1), np.array([-1, 0, -3]), np.array([[-2]], np.int32)], ids=str)
@pytest.mark.parametrize("axis", [1, -2])
def test_places_are_counted_from_the_beginning(places: np.ndarray, axis: int, tmp_path: Path) -> None:
    one = net(places, axis)
    changed = stepped(one, "positive_gather")
    same(one, changed, tmp_path)
    read = changed.graph.node[0].input[1]
    (made,) = [item for item in changed.graph.initializer if item.name == read]
    assert (numpy_helper.to_array(made) >= 0).all()
    assert numpy_helper.to_array(made).dtype == places.dtype


@pytest.mark.parametrize("opset", [11, 17])
@pytest.mark.parametrize("place", [-1, -2])
def test_an_axis_of_any_size_is_sliced(place: int, opset: int, tmp_path: Path) -> None:
    one = net(np.array(place), 1, opset=opset, open_axis=True)
    changed = stepped(one, "positive_gather")
    same(one, changed, tmp_path)
    assert histogram(changed) == {"Slice": 1, "Squeeze": 1}


def test_elements_are_counted_too(tmp_path: Path) -> None:
    one = net(np.full((2, 1, 4), -1), 1, "GatherElements")
    changed = stepped(one, "positive_gather")
    same(one, changed, tmp_path)
    assert changed.graph.node[0].input[1] == "y/places"


def test_a_weight_that_two_read_stays_for_the_other(tmp_path: Path) -> None:
    nodes = [helper.make_node("Gather", ["x", "places"], [f"y{axis}"], axis=axis) for axis in (0, 1)]
    one = Net(nodes, {"x": X}, {"places": np.array([-1])}, {"y0": "float32", "y1": "float32"})
    changed = stepped(one, "positive_gather")
    same(one, changed, tmp_path)
    assert [node.input[1] for node in changed.graph.node] == ["y0/places", "y1/places"]


def test_a_branch_is_looked_into(tmp_path: Path) -> None:
    value = helper.make_empty_tensor_value_info("b")
    branch = helper.make_graph([helper.make_node("Gather", ["x", "places"], ["b"])], "branch", [], [value])
    choose = helper.make_node("If", ["c"], ["y"], then_branch=branch, else_branch=branch)
    given = {"x": X, "c": np.array(True)}
    one = Net([choose], given, {"places": np.array(-1)}, {"y": "float32"})
    changed = stepped(one, "positive_gather")
    same(one, changed, tmp_path)
    assert changed.graph.node[0].attribute[0].g.node[0].input[1] == "b/places"


@pytest.mark.parametrize("places", [np.array([0, 2]), np.zeros(0, np.int64)], ids=str)
def test_what_counts_from_the_beginning_stays(places: np.ndarray) -> None:
    one = net(places, 1)
    assert stepped(one, "positive_gather") == one.model()
