from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .stepping import Net, same, stepped

X = np.arange(8, dtype=np.float32)
LONG = {"starts": np.array([-(2**63)]), "ends": np.array([2**63 - 1])}


def test_what_is_longer_than_32_bits_becomes_the_end_of_them(tmp_path: Path) -> None:
    one = Net([helper.make_node("Slice", ["x", "starts", "ends"], ["y"])], {"x": X}, LONG, {"y": "float32"})
    changed = stepped(one, "int64")
    values = {item.name: numpy_helper.to_array(item) for item in changed.graph.initializer}
    assert {name: array.tolist() for name, array in values.items()} == {"starts": [-(2**31)], "ends": [2**31 - 1]}
    assert {item.data_type for item in changed.graph.initializer} == {TensorProto.INT64}
    same(one, changed, tmp_path)


def test_a_constant_in_an_attribute_is_cut_too() -> None:
    end = numpy_helper.from_array(np.array([2**40]), "end")
    nodes = [
        helper.make_node("Constant", [], ["ends"], value=end),
        helper.make_node("Slice", ["x", "starts", "ends"], ["y"]),
    ]
    one = Net(nodes, {"x": X}, {"starts": np.array([2])}, {"y": "float32"})
    changed = stepped(one, "int64")
    assert numpy_helper.to_array(changed.graph.node[0].attribute[0].t).tolist() == [2**31 - 1]


def test_what_fits_stays() -> None:
    one = Net([helper.make_node("Gather", ["x", "n"], ["y"])], {"x": X}, {"n": np.array([3])}, {"y": "float32"})
    assert stepped(one, "int64") == one.model()
