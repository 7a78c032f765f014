"""How a host prepares: steps and tools."""

from __future__ import annotations

import pytest

from farm.protocol.errors import Invalid
from farm.protocol.steps import DEFAULT_STEPS
from orchestrator.rules.recipe import can_prepare, recipe_for


def test_a_recipe_names_the_tools_of_the_newest_host_whatever_their_order() -> None:
    old, new = {"onnx": "1.9.0"}, {"onnx": "1.23.2"}
    assert recipe_for(None, [old, new]) == recipe_for(None, [new, old])
    assert recipe_for(None, [old, new]).tools == new
    assert [step.name for step in recipe_for(None, []).steps] == list(DEFAULT_STEPS)
    assert recipe_for((), [new]).steps == ()


@pytest.mark.parametrize("steps", [None, (), ("fold",), ("float16", "fold")])
def test_what_a_target_needs_comes_last_whatever_steps_were_given(steps: tuple[str, ...] | None) -> None:
    plain = [call.name for call in recipe_for(steps, []).steps]
    needed = [call.name for call in recipe_for(steps, [], ("layernorm", "float16")).steps]
    assert needed == [*plain, "layernorm", *([] if "float16" in plain else ["float16"])]


def test_only_a_host_with_these_tools_prepares() -> None:
    recipe = recipe_for(("fold",), [{"onnx": "1.23.2"}])
    assert can_prepare(recipe, {"onnx": "1.23.2"})
    assert not can_prepare(recipe, {"onnx": "1.23.1"})
    assert not can_prepare(recipe, {"onnx": "1.23.2", "onnxslim": "0.1.98"})


@pytest.mark.parametrize("steps", [("fold", "fold"), ("no such",), ("../fold",)])
def test_steps_that_cannot_be_are_refused(steps: tuple[str, ...]) -> None:
    with pytest.raises(Invalid):
        recipe_for(steps, [])
