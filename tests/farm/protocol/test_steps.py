from __future__ import annotations

from typing import Any, Dict, Tuple

import pytest

from farm.protocol.errors import Invalid
from farm.protocol.keys import StepCall
from farm.protocol.steps import DEFAULT_STEPS, parse_step, planned_steps, typed_step


@pytest.mark.parametrize(
    ("text", "parameters"),
    [
        ("fold", {}),
        ("fold:largest_bytes=65536", {"largest_bytes": 65536}),
        ("fold:a=1e-3:b=true:c=word", {"a": 1e-3, "b": True, "c": "word"}),
        ("fold:input:0=images", {"input:0": "images"}),
        ("fold:a=b=c", {"a": "b=c"}),
    ],
)
def test_parameters_are_read_by_their_form(text: str, parameters: Dict[str, Any]) -> None:
    assert parse_step(text) == StepCall("fold", parameters)


@pytest.mark.parametrize("text", ["", "no such", "../fold", "fold:largest", "fold:=3", "fold:a=1:b"])
def test_what_is_no_step_is_refused(text: str) -> None:
    with pytest.raises(Invalid):
        parse_step(text)


def test_default_stands_for_the_default_steps() -> None:
    names = [call.name for call in planned_steps(("rename:a=b", "default"), ("layernorm",))]
    assert names == ["rename", *DEFAULT_STEPS, "layernorm"]


def test_a_needed_step_that_was_given_keeps_its_parameters() -> None:
    assert planned_steps(("opset:newest=15",), ("opset:newest=17",)) == (StepCall("opset", {"newest": 15}),)


def test_what_a_target_needs_comes_before_digits_are_given_up() -> None:
    names = [call.name for call in planned_steps(("fold", "quantize"), ("layernorm", "opset:newest=17", "mixed"))]
    assert names == ["fold", "layernorm", "opset", "quantize", "mixed"]
    assert [call.name for call in planned_steps(("float16", "fold"), ("layernorm",))][-1] == "layernorm"


@pytest.mark.parametrize("typed", [("default", "-simplify", "-masks"), ("-simplify", "-masks")])
def test_a_step_is_left_out(typed: Tuple[str, ...]) -> None:
    names = [call.name for call in planned_steps(typed, ("masks", "int64"))]
    assert names == [*(name for name in DEFAULT_STEPS if name != "simplify"), "int64"]
    assert planned_steps((), ("int64",)) == (StepCall("int64"),)


def test_a_step_is_given_once() -> None:
    with pytest.raises(Invalid, match="twice"):
        planned_steps(("fold", "default"))


@pytest.mark.parametrize("text", ["fold", "opset:newest=17", "quantize:operators=Conv/Gemm:keep=a/b", "a:b=true:c=0.5"])
def test_a_step_is_typed_as_it_is_read(text: str) -> None:
    assert typed_step(parse_step(text)) == text
