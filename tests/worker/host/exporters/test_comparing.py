"""What a file gives, held against the network: answers of equal score may come in either order, and no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from farm.protocol.errors import BuildFailed
from worker.host.exporters.comparing import largest_difference

SCORES = np.array([[0.9, 0.5, 0.5, 0.1]], np.float32)
BOXES = np.arange(16, dtype=np.float32).reshape(1, 4, 4)
CLASSES = np.array([[7, 8, 9, 3]])
ANSWERS = {"boxes": BOXES, "scores": SCORES, "classes": CLASSES}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that gives what it takes."""
    kinds = {"boxes": TensorProto.FLOAT, "scores": TensorProto.FLOAT, "classes": TensorProto.INT64}
    given = [helper.make_tensor_value_info(f"of {name}", kind, None) for name, kind in kinds.items()]
    made = [helper.make_tensor_value_info(name, kind, None) for name, kind in kinds.items()]
    nodes = [helper.make_node("Identity", [f"of {name}"], [name]) for name in kinds]
    graph = helper.make_graph(nodes, "g", given, made)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(tmp_path / "m"))
    return tmp_path / "m"


def swapped(one: int, other: int) -> dict[str, Any]:
    """The answers, two of them in the place of each other."""
    order = list(range(4))
    order[one], order[other] = other, one
    return {f"of {name}": array[:, order] for name, array in ANSWERS.items()}


def test_answers_of_equal_score_have_any_order(path: Path) -> None:
    assert largest_difference(path, swapped(1, 2), ANSWERS, "scores").share == 0
    assert largest_difference(path, swapped(1, 2), ANSWERS).share > 0.1


def test_answers_of_another_score_have_one(path: Path) -> None:
    told = largest_difference(path, swapped(0, 1), ANSWERS, "scores")
    assert told.share > 0.1
    assert str(told).startswith(f"{told.share:.2g} of the output '{told.output}': at [0, ")


def test_what_else_an_equal_answer_says_is_held_against_it(path: Path) -> None:
    given = swapped(1, 2)
    given["of boxes"] = given["of boxes"] + np.float32(1)
    told = largest_difference(path, given, ANSWERS, "scores")
    assert (told.output, told.place) == ("boxes", (0, 0, 0))
    assert (told.got, told.wanted) == ("1", "0")


def test_another_shape_is_told(path: Path) -> None:
    given = {**swapped(0, 0), "of boxes": BOXES[:, :3]}
    with pytest.raises(BuildFailed, match=r"the output 'boxes' of the exported graph is \(1, 3, 4\)"):
        largest_difference(path, given, ANSWERS, "scores")
