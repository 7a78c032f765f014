"""A coordinator never parses a model; what a preparation of it found is held against later submissions."""

from __future__ import annotations

import pytest

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.options import BuildOptions, ReferencePolicy
from farm.protocol.shapes import parse_shapes, profile_from_shapes
from farm.protocol.states import State
from farm.protocol.work import PreparationResult, Prepared
from orchestrator.services import planning, preparations
from tests.support.coordinator import Coordinator, Talker

INPUTS = (TensorSpec("input", "float32", (-1, 576)), TensorSpec("odd", "float32", ()))


def options(shapes: str) -> BuildOptions:
    return BuildOptions(profiles=(profile_from_shapes(None, parse_shapes(shapes), None),))


@pytest.fixture
def prepared(farm: Coordinator) -> Coordinator:
    """A farm on which the model of `farm.ask()` was prepared."""
    box = farm.enrol()
    farm.submit()
    _prepare(farm, box)
    return farm


def _prepare(farm: Coordinator, box: Talker) -> None:
    claim = box.claim()
    assert claim
    assert claim.preparation
    stored = farm.context.blobs.put_bytes(b"inputs")
    made = Prepared(claim.preparation.model.files, INPUTS, (), stored.sha256, stored.sha256, "onnxruntime 1.31.1")
    result = PreparationResult(claim.lease.token, made, 1.0)
    preparations.prepared(farm.context, box.caller, claim.lease.attempt, result)


def test_shapes_that_no_input_can_have_are_refused_by_plan_and_submit(prepared: Coordinator) -> None:
    for shapes, told in (
        ("inptu:1x576", "names 'inptu'"),
        ("input:1x2x3", "2 axes, not 3"),
        ("input:1x9", "always 576"),
    ):
        ask = prepared.ask(options=options(shapes))
        with pytest.raises(Invalid, match=told) as caught:
            planning.plan(prepared.context, ask)
        assert "inputs are input [?, 576], odd of any shape." in caught.value.hint
        with pytest.raises(Invalid, match=told):
            prepared.submit(options=options(shapes))
    with pytest.raises(Invalid, match="--value names 'sr'"):
        prepared.submit(reference=ReferencePolicy(values={"sr": 1.0}))


def test_shapes_that_fit_are_accepted(prepared: Coordinator) -> None:
    submission = prepared.submit(options=options("input:4x576,odd:3x3"))
    assert submission.state is State.WAITING


def test_a_model_that_nobody_prepared_is_accepted_with_any_shapes(farm: Coordinator) -> None:
    farm.enrol()
    assert farm.submit(options=options("inptu:1x576")).state is State.WAITING


def test_names_that_a_step_gives_are_not_those_of_the_model(prepared: Coordinator) -> None:
    submission = prepared.submit(options=options("pixels:4x20x20x3"), steps=("rename:input=pixels", "default"))
    assert submission.state is State.WAITING
    with pytest.raises(Invalid, match="names 'pixels'"):
        prepared.submit(options=options("pixels:4x20x20x3"), steps=("default",))


def test_what_such_a_preparation_found_is_not_held_against_the_model(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit(steps=("rename:images=input", "default"))
    _prepare(farm, box)
    submission = farm.submit(options=options("images:4x20x20x3"))
    assert submission.state is State.WAITING
