"""The glue of both deformable convolutions under a played TensorRT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from plugins.mmcv_deform_conv2d.reference import reference as plain
from plugins.mmcv_modulated_deform_conv2d.reference import reference as modulated
from tests.plugins.harness.player import Player, Refused
from tests.plugins.toolchains import headers

from .cases import Case

PAIRS = {"stride": [1, 2], "padding": [2, 0], "dilation": [1, 2]}
CASE = Case((1, 16, 5, 9), 8, (2, 3), {**PAIRS, "deform_groups": 2}, mask=True, bias=True)


def played(name: str, generation: str) -> Player:
    if generation not in headers():
        pytest.skip(f"there are no headers of TensorRT {generation} on this machine")
    return Player(name, headers()[generation].folder)


@pytest.fixture(scope="module")
def first() -> Iterator[Player]:
    with played("mmcv_deform_conv2d", "10.0") as player:
        yield player


@pytest.fixture(scope="module")
def second() -> Iterator[Player]:
    with played("mmcv_modulated_deform_conv2d", "11.1") as player:
        yield player


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("with_bias", [True, False])
def test_version_2_with_and_without_a_bias(second: Player, with_bias: bool, dtype: str) -> None:
    inputs = [item for item in CASE.inputs(dtype) if item is not None][: 5 if with_bias else 4]
    (found,) = second.run("MMCVModulatedDeformConv2d", CASE.attributes, *inputs, most=2)
    wanted = modulated(inputs, CASE.attributes)[0].astype(np.float32)
    tolerance = 2e-5 if dtype == "float32" else 1e-2
    np.testing.assert_allclose(found.astype(np.float32), wanted, rtol=tolerance, atol=tolerance)


def test_version_1_with_all_that_mmcv_says(first: Player) -> None:
    x, offset, _, weight, _ = CASE.inputs()
    swapped = {name: pair[::-1] for name, pair in PAIRS.items()}
    attributes: dict[str, Any] = {**swapped, "deform_groups": 2, "groups": 1, "bias": 0, "im2col_step": 32, "legacy": 1}
    (found,) = first.run("MMCVDeformConv2d", attributes, x, offset, weight)
    np.testing.assert_allclose(found, plain([x, offset, weight], CASE.attributes)[0], rtol=2e-5, atol=2e-5)


def test_rounding_of_factors_is_kept_in_the_plan(first: Player) -> None:
    case = Case((1, 32, 4, 4), 32, (1, 1))
    x, offset, _, weight, _ = case.inputs()
    exact, rounded = (first.run("MMCVDeformConv2d", {"tf32": way}, x, offset, weight)[0] for way in (0, 1))
    assert 1e-5 < np.abs(exact - rounded).max() < 4e-3


@pytest.mark.parametrize(
    ("place", "shape", "why"),
    [
        (0, (1, 15, 5, 9), "the weights are for another number of input channels"),
        (0, (16, 5, 9), "input, offset and weight have 4 dimensions"),
        (1, (1, 22, 8, 3), "there are two offsets for each tap of a deform group"),
        (1, (1, 24, 8, 4), "there are offsets for each pixel of the output"),
    ],
)
def test_tensors_that_do_not_fit_are_refused(first: Player, place: int, shape: tuple[int, ...], why: str) -> None:
    x, offset, _, weight, _ = CASE.inputs()
    inputs: list[Any] = [x, offset, weight]
    inputs[place] = np.zeros(shape, np.float32)
    with pytest.raises(Refused, match=why):
        first.ask("MMCVDeformConv2d", CASE.attributes, *inputs)


@pytest.mark.parametrize(
    ("attributes", "why"),
    [
        ({"stride": [0, 1]}, "attribute stride may not be 0"),
        ({"padding": [1]}, "attribute padding must hold 2 and holds 1"),
        ({"groups": 0}, "attribute groups may not be 0"),
    ],
)
def test_attributes_that_mean_nothing_are_refused(first: Player, attributes: dict[str, Any], why: str) -> None:
    x, offset, _, weight, _ = CASE.inputs()
    with pytest.raises(Refused, match=why):
        first.ask("MMCVDeformConv2d", attributes, x, offset, weight)
