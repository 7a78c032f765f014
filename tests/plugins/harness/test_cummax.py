"""The glue of cummax under a played TensorRT, as far as it is not the same for every plugin."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.plugins.harness.player import Player, Refused
from tests.plugins.toolchains import headers


@pytest.fixture(scope="module", params=["10.0", "11.1"])
def cummax(request: pytest.FixtureRequest) -> Iterator[Player]:
    if request.param not in headers():
        pytest.skip(f"there are no headers of TensorRT {request.param} on this machine")
    with Player("cummax", headers()[request.param].folder) as player:
        yield player


def test_an_operator_comes_from_the_graph_to_its_outputs(cummax: Player) -> None:
    given = np.array([[1, 3, 3, 2], [5, 4, 5, 6]], np.float32)
    values, indices = cummax.run("cummax", {"dim": 1}, given, most=4)
    assert values.tolist() == [[1, 3, 3, 3], [5, 5, 5, 6]]
    assert indices.tolist() == [[0, 1, 2, 2], [0, 0, 2, 3]]
    assert indices.dtype == np.int32


def test_an_attribute_that_is_not_there_has_its_default(cummax: Player) -> None:
    given = np.array([[1, 3], [5, 2]], np.float16)
    values, indices = cummax.run("cummax", {}, given)
    assert values.tolist() == [[1, 3], [5, 3]]
    assert indices.tolist() == [[0, 0], [1, 0]]


def test_the_attributes_survive_the_plan(cummax: Player) -> None:
    given = np.array([3, 3], np.int32)
    assert [array.tolist() for array in cummax.run("cummax", {"dim": -1}, given)] == [[3, 3], [0, 1]]
    assert [array.tolist() for array in cummax.run("cummax", {"dim": -1, "legacy": 1}, given)] == [[3, 3], [0, 0]]


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"dim": 8}, "attribute dim may not be 8"),
        ({"dim": 1.5}, "attribute dim must be a whole number"),
        ({"dim": [0, 1]}, "attribute dim must hold 1 and holds 2"),
        ({"dim": 2}, "there is no axis 2 in 2 dimensions"),
        ({"legacy": 2}, "attribute legacy may not be 2"),
        ({"legacy": "yes"}, "attribute legacy must be a whole number"),
        ({"axis": 1}, "the creator does not take the attribute axis"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_sentence(
    cummax: Player, attributes: dict[str, int | float | str | list[int]], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        cummax.run("cummax", attributes, np.zeros((2, 2), np.float32))


def test_types_that_no_kernel_is_for_are_refused(cummax: Player) -> None:
    with pytest.raises(Refused, match="has inputs of types that it has no kernel for"):
        cummax.ask("cummax", {}, np.zeros((2, 2), np.int64))


def test_too_many_inputs_are_refused(cummax: Player) -> None:
    given = np.zeros((2, 2), np.float32)
    with pytest.raises(Refused, match="has 2 inputs and takes 1"):
        cummax.ask("cummax", {}, given, given)


def test_an_empty_tensor_is_no_launch(cummax: Player) -> None:
    values, indices = cummax.run("cummax", {"dim": 1}, np.zeros((2, 0), np.float32), most=2)
    assert (values.shape, indices.shape) == ((2, 0), (2, 0))
