"""The reference against the form that models compute with PyTorch's `grid_sample`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from plugins.ms_deform_attn.reference import reference
from tests.support.pytorch import torch as pytorch

from .cases import Case, by_torch


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytorch(os.environ)


@pytest.mark.parametrize("case", [Case(), Case(((1, 1), (2, 9), (3, 3)), channels=5, points=3)])
def test_it_is_as_grid_sample(torch: Any, case: Case) -> None:
    inputs = case.inputs()
    (found,) = reference(inputs, {})
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, by_torch(torch, inputs), rtol=1e-5, atol=1e-6)


def test_heads_may_stay_apart() -> None:
    case = Case()
    joined, apart = reference(case.inputs(), {})[0], reference(case.inputs(), {"split_heads": 1})[0]
    assert apart.shape == (case.images, case.queries, case.heads, case.channels)
    np.testing.assert_array_equal(apart.reshape(joined.shape), joined)


def test_the_middle_of_a_pixel_is_that_pixel() -> None:
    case = Case(((2, 3),), images=1, queries=1, heads=1, channels=2, points=1)
    value, sizes, starts, places, shares = case.inputs()
    places[...] = (2.5 / 3, 0.5 / 2)
    shares[...] = 0.5
    (found,) = reference([value, sizes, starts, places, shares], {})
    np.testing.assert_allclose(found[0, 0], value[0, 2, 0] / 2, rtol=1e-6)
