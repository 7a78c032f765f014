from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from tests.support import models
from worker.host.reference.meaning import Meaning, meanings
from worker.host.reference.sizing import sized

Operator = Any


def meaning(operators: Sequence[Operator], shape: Sequence[int] = (2,), **weights: Any) -> Meaning:
    """What the int64 input `i` means; `x` is a float input of 5x7."""
    graph = helper.make_graph(
        list(operators),
        "g",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, list(shape)),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [5, 7]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items()],
    )
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return meanings(sized(proto, {"i": tuple(shape), "x": (5, 7)}))["i"]


def node(kind: str, inputs: Sequence[str], output: str = "y", **attributes: Any) -> Operator:
    return helper.make_node(kind, list(inputs), [output], **attributes)


TABLE = np.zeros((100, 16), np.float32)


@pytest.mark.parametrize(
    ("operators", "weights", "expected"),
    [
        ([node("Gather", ["table", "i"])], {"table": TABLE}, Meaning(below=100)),
        ([node("Gather", ["table", "i"], axis=1)], {"table": TABLE}, Meaning(below=16)),
        ([node("Gather", ["table", "i"], axis=-1)], {"table": TABLE}, Meaning(below=16)),
        ([node("Gather", ["x", "i"])], {}, Meaning(below=5)),
        (
            [node("Cast", ["i"], "a", to=6), node("Unsqueeze", ["a", "axes"], "b"), node("Gather", ["table", "b"])],
            {"table": TABLE, "axes": [0]},
            Meaning(below=100),
        ),
        (
            [node("Concat", ["zero", "i"], "a", axis=0), node("Gather", ["table", "a"])],
            {"table": TABLE, "zero": [0]},
            Meaning(below=100),
        ),
        (
            [node("Gather", ["table", "i"], "a"), node("Gather", ["small", "i"])],
            {"table": TABLE, "small": np.zeros((3, 2), np.float32)},
            Meaning(below=3),
        ),
        ([node("OneHot", ["i", "depth", "values"])], {"depth": 12, "values": [0.0, 1.0]}, Meaning(below=12)),
        ([node("Equal", ["i", "rate"])], {"rate": 16000}, Meaning(constant=16000)),
        ([node("Equal", ["rate", "i"])], {"rate": [16000]}, Meaning(constant=16000)),
        (
            [node("Constant", [], "rate", value=helper.make_tensor("r", 7, [], [8000])), node("Equal", ["i", "rate"])],
            {},
            Meaning(constant=8000),
        ),
        ([node("Equal", ["i", "many"])], {"many": [1, 2]}, Meaning()),
        ([node("Reshape", ["x", "i"])], {}, Meaning(decides="Reshape")),
        ([helper.make_node("TopK", ["x", "i"], ["y", "where"])], {}, Meaning(decides="TopK")),
        ([node("Cast", ["i"], to=1)], {}, Meaning()),
    ],
)
def test_meaning_follows_from_the_operators(
    operators: list[Operator], weights: dict[str, Any], expected: Meaning
) -> None:
    assert meaning(operators, **weights) == expected


def test_lengths_of_a_recurrent_network() -> None:
    lstm = helper.make_node("LSTM", ["s", "w", "r", "", "i"], ["y"], hidden_size=4)
    shaped = node("Unsqueeze", ["x", "axes"], "s")
    weights = {"w": np.zeros((1, 16, 7), np.float32), "r": np.zeros((1, 16, 4), np.float32), "axes": [1]}
    assert meaning([shaped, lstm], (1,), **weights) == Meaning(most=5)


@pytest.mark.parametrize("file", ["silero_vad.onnx", "silero_vad_op18_ifless.onnx"])
def test_the_sample_rate_of_a_pre_trained_model(file: str, silero: Path) -> None:
    proto: ModelProto = onnx.load(silero / file)
    found = meanings(sized(proto, {"input": (1, 576), "state": (2, 1, 128), "sr": ()}))
    assert found["sr"] == Meaning(constant=16000)
    assert found["state"] == Meaning()


def test_token_ids_of_an_embedding() -> None:
    found = meanings(sized(models.embedding_net(), {"ids": (1, 4), "scale": ()}))
    assert found == {"ids": Meaning(below=100), "scale": Meaning()}
