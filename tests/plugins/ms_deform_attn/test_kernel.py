"""The kernels, run on the processor under sanitizers, against the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.ms_deform_attn.reference import reference
from tests.plugins.cpu.kernels import Kernels

from .cases import Case, computed

TOLERANCE = {"float32": 1e-5, "float16": 3e-3}


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels.of("ms_deform_attn") as found:
        yield found


def check(kernels: Kernels, case: Case, dtype: str, seed: int = 0) -> None:
    inputs = case.inputs(dtype, seed)
    exact = [array.astype(np.float64) if array.dtype == dtype else array for array in inputs]
    (wanted,) = reference(exact, {})
    found = computed(kernels, case, inputs).astype(np.float64)
    scale = np.abs(inputs[4]).sum(axis=(-2, -1)).max(initial=1.0)
    np.testing.assert_allclose(found, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * float(scale))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("channels", [1, 5, 8, 16, 24, 32, 64, 72, 128, 130, 264])
def test_any_number_of_channels(kernels: Kernels, channels: int, dtype: str) -> None:
    check(kernels, Case(channels=channels), dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("channels", [3, 32, 64])
def test_many_queries_take_a_team_for_each_row(kernels: Kernels, channels: int, dtype: str) -> None:
    # The player says it has four multiprocessors; 1,024 threads for each are fewer than these rows have.
    check(kernels, Case(channels=channels, images=1, queries=530, heads=2, points=2), dtype)


@pytest.mark.parametrize("levels", [((1, 1),), ((9, 2), (1, 7), (3, 3), (2, 2), (1, 1))])
@pytest.mark.parametrize("points", [1, 3, 8, 33])
def test_any_number_of_levels_and_points(kernels: Kernels, points: int, levels: Any) -> None:
    check(kernels, Case(levels, points=points, queries=3), "float32")


@settings(max_examples=25, deadline=None)
@given(
    case=st.builds(
        Case,
        levels=st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=4).map(tuple),
        images=st.integers(0, 2),
        queries=st.integers(0, 40),
        heads=st.integers(1, 4),
        channels=st.integers(1, 70),
        points=st.integers(1, 6),
    ),
    dtype=st.sampled_from(sorted(TOLERANCE)),
    seed=st.integers(0, 99),
)
def test_any_size(kernels: Kernels, case: Case, dtype: str, seed: int) -> None:
    check(kernels, case, dtype, seed)


def test_nothing_lies_outside(kernels: Kernels) -> None:
    case = Case(images=1)
    inputs = case.inputs()
    inputs[3][...] = np.resize([np.nan, np.inf, -np.inf, 1e30, -1e30, -9.0, 9.0], inputs[3].shape)
    assert not computed(kernels, case, inputs).any()


@pytest.mark.parametrize("weight", [np.nan, np.inf])
def test_no_weight_makes_a_pixel_outside_be_read(kernels: Kernels, weight: float) -> None:
    case = Case(((2, 2),), images=1, heads=1, points=1, queries=4)
    inputs = case.inputs()
    inputs[3][0, :, 0, 0, 0] = [[0, 0], [0, 1], [1, 0], [1, 1]]  # the corners of the map
    inputs[4][...] = weight
    assert not np.isfinite(computed(kernels, case, inputs)).any()


@pytest.mark.parametrize(("sizes", "starts"), [([[7, 5], [4, 4]], [0, 35]), ([[7, 5], [4, 3]], [-1, 35])])
def test_a_level_that_is_not_within_the_pixels_counts_nothing(kernels: Kernels, sizes: Any, starts: Any) -> None:
    case = Case(images=1)
    inputs = case.inputs()
    broken = 0 if starts[0] < 0 else 1
    inputs[1], inputs[2] = np.array(sizes, np.int32), np.array(starts, np.int32)
    found = computed(kernels, case, inputs)
    inputs[1], inputs[2] = case.inputs()[1:3]
    inputs[4][:, :, :, broken] = 0
    np.testing.assert_allclose(found, reference(inputs, {})[0], rtol=1e-5, atol=1e-5)
