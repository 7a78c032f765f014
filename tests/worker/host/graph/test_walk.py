from __future__ import annotations

from pathlib import Path

import onnx
from onnx import helper

from tests.support import models
from worker.host.graph.walk import count, graphs, histogram, tensors


def test_branches_are_walked_to_the_bottom(silero: Path) -> None:
    proto = onnx.load(silero / models.SILERO_FILE)
    assert len(proto.graph.node) == 5
    assert count(proto) == 689
    assert len(list(graphs(proto.graph))) > 5
    assert histogram(proto)["Conv"] == 12


def test_constants_of_operators_are_tensors_too(silero: Path) -> None:
    proto = onnx.load(silero / "silero_vad_16k_sequence.onnx")
    counted = histogram(proto)
    in_operators = counted["Constant"] + counted["ConstantOfShape"]
    assert len(list(tensors(proto))) == len(proto.graph.initializer) + in_operators


def test_operators_of_functions_count() -> None:
    body = helper.make_function(
        "own", "Twice", ["x"], ["y"], [helper.make_node("Add", ["x", "x"], ["y"])], [helper.make_opsetid("", 17)]
    )
    proto = models.top_k_net()
    proto.functions.append(body)
    assert histogram(proto) == {"TopK": 1, "Add": 1}
