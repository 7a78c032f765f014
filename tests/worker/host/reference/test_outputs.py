from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.runtime.arrays import save_arrays
from tests.support import models
from worker.host.graph.model import Model
from worker.host.load import load
from worker.host.reference.outputs import computed, of_author

from ..broken import CONTRADICTING, graph

X = {"x": np.array([[1.0, -2.0, 3.0, -4.0]], np.float32)}


def answered(proto: Any, folder: Path, inputs: Any = None) -> Any:
    path = folder / "model.onnx"
    path.write_bytes(proto.SerializeToString())
    return computed(Model(proto, folder, large=False), path, X if inputs is None else inputs)


def test_outputs_are_those_of_onnxruntime_and_say_so(silero: Path) -> None:
    import onnxruntime

    path = silero / models.SILERO_FILE
    inputs = models.silero_inputs()
    reference = computed(load(path), path, inputs)
    assert reference.origin == f"onnxruntime {onnxruntime.__version__}, optimisations off"
    assert reference.outputs is not None
    expected = models.plain_outputs(path, inputs)
    assert all(np.array_equal(reference.outputs[name], expected[name]) for name in ("output", "stateN"))


def test_an_operator_without_a_runtime_leaves_no_reference_and_a_reason(tmp_path: Path) -> None:
    own = graph([helper.make_node("Own", ["x"], ["y"], domain="com.example")], opsets=[("", 17), ("com.example", 1)])
    reference = answered(own, tmp_path)
    assert reference.outputs is None
    assert reference.origin == "none: ONNX Runtime has no operator com.example::Own for this processor"


def test_random_numbers_are_no_reference(tmp_path: Path) -> None:
    noise = graph(
        [helper.make_node("RandomNormalLike", ["x"], ["n"]), helper.make_node("Add", ["x", "n"], ["y"])],
    )
    assert answered(noise, tmp_path).origin == "none: the model draws random numbers (RandomNormalLike)"


@pytest.mark.parametrize("what", ["types", "shapes", "future opset"])
def test_a_model_that_contradicts_itself_is_invalid(what: str, tmp_path: Path) -> None:
    make, sentence = CONTRADICTING[what]
    with pytest.raises(Invalid) as caught:
        answered(make(), tmp_path)
    assert sentence in caught.value.message
    assert "onnxruntime_src" not in caught.value.message


def test_inputs_that_the_model_does_not_take_are_invalid(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        answered(models.embedding_net(), tmp_path, {"ids": np.array([[100]]), "scale": np.float32(1)})
    assert caught.value.message.startswith("the model does not run with the reference inputs")
    assert "--loadInputs" in caught.value.hint


SPECS = (TensorSpec("y", "float32", (-1, 4)), TensorSpec("n", "int64", ()))
GOOD = {"y": np.ones((2, 4), np.float32), "n": np.array(3)}


def test_the_author_may_say_what_is_right(tmp_path: Path) -> None:
    save_arrays(tmp_path / "r.npz", {"n": GOOD["n"], "y": GOOD["y"].astype(np.float64)})
    reference = of_author(tmp_path / "r.npz", SPECS)
    assert reference.origin == "author"
    assert reference.outputs is not None
    assert list(reference.outputs) == ["y", "n"]


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"y": GOOD["y"]}, "lacks 'n'"),
        ({**GOOD, "z": GOOD["n"]}, "the model has no output 'z'"),
        ({**GOOD, "y": np.ones((2, 5), np.float32)}, "the reference output 'y' is float32 2x5"),
        ({**GOOD, "y": np.ones(4, np.float32)}, "is float32 4, the model gives float32 [?, 4]"),
        ({**GOOD, "n": np.array(0.5)}, "the reference output 'n' is float64 scalar"),
    ],
)
def test_an_author_who_says_something_else_is_told(arrays: dict[str, Any], sentence: str, tmp_path: Path) -> None:
    save_arrays(tmp_path / "r.npz", arrays)
    with pytest.raises(Invalid) as caught:
        of_author(tmp_path / "r.npz", SPECS)
    assert sentence in caught.value.message


def test_the_element_type_of_an_author_may_be_wider_than_any_numpy_has(tmp_path: Path) -> None:
    save_arrays(tmp_path / "r.npz", {"y": GOOD["y"]})
    assert of_author(tmp_path / "r.npz", [TensorSpec("y", "bfloat16", (2, 4))]).outputs is not None
