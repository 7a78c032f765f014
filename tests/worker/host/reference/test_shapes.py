from __future__ import annotations

from typing import Any

import pytest
from onnx import ModelProto, TensorProto, helper

from farm.protocol.errors import Invalid
from farm.protocol.shapes import parse_shapes
from worker.host.reference.shapes import resolve


def model(**inputs: Any) -> ModelProto:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, axes) for name, axes in inputs.items()]
    return helper.make_model(helper.make_graph([], "g", values, []))


@pytest.mark.parametrize("name", ["batch", "Batch", "batch_size", "N", "n", "bs", "B", "my_batch", "batch_size_1"])
def test_a_first_axis_named_as_a_batch_is_one(name: str) -> None:
    assert resolve(model(x=[name, 3, 8, 8]), {}) == {"x": (1, 3, 8, 8)}


@pytest.mark.parametrize("name", ["height", "length", "sequence", "num_boxes", "nodes", "bins", ""])
def test_any_other_axis_is_asked_for(name: str) -> None:
    with pytest.raises(Invalid, match=r"takes any size of x \["):
        resolve(model(x=[name, 3]), {})


def test_a_batch_further_back_is_asked_for() -> None:
    with pytest.raises(Invalid):
        resolve(model(x=[3, "batch"]), {})


def test_a_name_has_one_size_in_all_inputs() -> None:
    two = model(input=["batch", "sequence"], state=[2, "batch", 128])
    assert resolve(two, {"input": (4, 576)}) == {"input": (4, 576), "state": (2, 4, 128)}
    assert resolve(two, {"input": (1, 576)})["state"] == (2, 1, 128)


def test_scalars_and_fixed_shapes_need_no_word() -> None:
    assert resolve(model(sr=[], x=[1, 3]), {}) == {"sr": (), "x": (1, 3)}
    assert resolve(model(sr=[]), {"sr": ()}) == {"sr": ()}


def test_the_hint_can_be_typed_once_its_words_are_replaced() -> None:
    with pytest.raises(Invalid) as caught:
        resolve(model(image=["batch", 3, "height", "width"], state=[2, "", 128], sr=[]), {})
    assert caught.value.message == "the model takes any size of image [batch, 3, height, width], state [2, ?, 128]"
    option = caught.value.hint.partition("--shapes ")[2]
    assert option == "image:1x3xHEIGHTxWIDTH,state:2x?x128"
    typed = option.replace("HEIGHT", "480").replace("WIDTH", "640").replace("?", "1")
    assert parse_shapes(typed) == {"image": (1, 3, 480, 640), "state": (2, 1, 128)}


def test_an_input_whose_rank_is_unknown_is_asked_for() -> None:
    unknown = model(x=None)
    with pytest.raises(Invalid, match=r"--shapes x:SHAPE"):
        resolve(unknown, {})
    assert resolve(unknown, {"x": (2, 2)}) == {"x": (2, 2)}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"y": (1,)}, "the model has no input 'y'"),
        ({"x": (1, 3)}, "input 'x' has 3 axes, [batch, 3, length], got 1x3"),
        ({"x": (1, 4, 9)}, "axis 1 of input 'x' is 3, got 4"),
        ({"x": (1, 3, 0)}, "input 'x' cannot have the shape 1x3x0"),
        ({"x": (1, 3, 9), "mask": (1, 8)}, "the axis 'length' of input 'mask' is 9, got 8"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(given: dict[str, tuple[int, ...]], sentence: str) -> None:
    with pytest.raises(Invalid) as caught:
        resolve(model(x=["batch", 3, "length"], mask=["batch", "length"]), given)
    assert sentence in caught.value.message
    assert caught.value.hint
