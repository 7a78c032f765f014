"""Tiles as other cards make them, each by one block or by two, played on the processor."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from plugins.common.deform_conv.reference import Shape, deform_conv
from tests.plugins.cpu.kernels import Kernels, Output, Scratch

from .cases import Case

Array = Any

# What is told to the binding, the type, and how far results may be from the reference.
WAYS = {
    "half": (0, "float16", 4e-3),
    "half, before SM 8.0": (1, "float16", 4e-3),
    "rounded to TF32": (2, "float32", 4e-3),
    "pairs of halves": (3, "float32", 2e-5),
    "plain float": (4, "float32", 2e-5),
}
# By two blocks, those that no other test plays.
BY_TWO = ("half, before SM 8.0", "plain float")
SHARED = [*((way, 1) for way in WAYS), *((way, 2) for way in BY_TWO)]
CASES = {
    "many pixels, deform groups": Case(
        (3, 64, 9, 7), 64, attributes={"padding": (1, 1), "deform_groups": 2}, mask=True, bias=True
    ),
    "groups": Case((2, 64, 6, 5), 96, (2, 3), attributes={"groups": 2}, mask=True),
    "256 columns": Case((1, 32, 6, 5), 256, (1, 2), mask=True, bias=True),
    "channels that fill no vector": Case((1, 39, 5, 6), 35, mask=True),
}


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels.of("deform_conv") as found:
        yield found


def found_by(kernels: Kernels, case: Case, inputs: list[Array], way: str, blocks: int) -> Array:
    number, dtype, _ = WAYS[way]
    size = kernels.status("workspace_bytes", case.numbers, np.dtype(dtype).itemsize)
    output = Output((case.x[0], case.out, *case.rows_and_columns), dtype)
    (found,) = kernels.call("run_way", case.numbers, *inputs, output, number, blocks, Scratch(size), None)
    return found.astype(np.float64)


def wanted_of(case: Case, inputs: list[Array]) -> Array:
    exact: list[Any] = [None if array is None else array.astype(np.float64) for array in inputs]
    x, offset, mask, weight, bias = exact
    return deform_conv(x, offset, mask, weight, bias, Shape.of(case.attributes))


@pytest.mark.parametrize(("way", "blocks"), SHARED)
@pytest.mark.parametrize("name", CASES)
def test_every_kernel_way_and_shape_is_as_the_reference(kernels: Kernels, name: str, way: str, blocks: int) -> None:
    case = CASES[name]
    inputs = case.inputs(WAYS[way][1])
    tolerance = WAYS[way][2]
    found = found_by(kernels, case, inputs, way, blocks)
    np.testing.assert_allclose(found, wanted_of(case, inputs), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("way", ["pairs of halves", "plain float"])
@pytest.mark.parametrize(("of_input", "of_mask", "of_weight"), [(1e30, 1.0, 1e-30), (1e-30, 1e-4, 1e4), (1, 1e8, 1e8)])
def test_kernels_keep_the_digits_of_floats_of_any_size(
    kernels: Kernels, way: str, of_input: float, of_mask: float, of_weight: float
) -> None:
    case = CASES["groups"]
    x, offset, mask, weight, bias = case.inputs()
    offset = np.round(offset * 4) / 4  # so that places and shares are exact
    inputs = [x * np.float32(of_input), offset, mask * np.float32(of_mask), weight * np.float32(of_weight), bias]
    wanted = wanted_of(case, inputs)
    scale = np.sqrt(np.mean(wanted**2))
    found = found_by(kernels, case, inputs, way, 2)
    assert np.abs(found - wanted).max() < 4e-6 * scale
