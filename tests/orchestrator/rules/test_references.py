from __future__ import annotations

from farm.protocol.keys import PreparationRecipe
from farm.protocol.model import FileRef, ModelManifest
from farm.protocol.options import BuildOptions, ReferencePolicy, ShapeRange, with_shapes
from farm.protocol.submit import SubmitAsk
from orchestrator.rules.references import preparation_key

PROFILE = {"x": ShapeRange((1, 3), (4, 3), (8, 3)), "y": ShapeRange((2,), (2,), (2,))}


def test_references_have_the_shapes_that_engines_are_tuned_for() -> None:
    made = with_shapes(ReferencePolicy(), BuildOptions(profiles=(PROFILE, {"x": ShapeRange((9, 3), (9, 3), (9, 3))})))
    assert made.shapes == {"x": (4, 3), "y": (2,)}


def test_a_shape_that_was_given_stays() -> None:
    made = with_shapes(ReferencePolicy(shapes={"x": (1, 3)}), BuildOptions(profiles=(PROFILE,)))
    assert made.shapes == {"x": (1, 3), "y": (2,)}


def test_without_a_profile_the_model_decides() -> None:
    policy = ReferencePolicy(seed=3)
    assert with_shapes(policy, BuildOptions()) is policy


def test_other_shapes_are_another_preparation_of_the_same_model() -> None:
    model = ModelManifest((FileRef("model.onnx", 1, "0" * 64),))
    recipe = PreparationRecipe(())
    plain = SubmitAsk("net", model, ("cpu",))
    shaped = SubmitAsk("net", model, ("cpu",), options=BuildOptions(profiles=(PROFILE,)))
    assert preparation_key(plain, recipe).model == preparation_key(shaped, recipe).model == model.digest
    assert preparation_key(plain, recipe).digest != preparation_key(shaped, recipe).digest
