"""The reference of both deformable convolutions, against PyTorch's sampler and ONNX' own definition."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from plugins.mmcv_deform_conv2d.reference import reference as plain
from plugins.mmcv_modulated_deform_conv2d.reference import reference as modulated
from tests.support.pytorch import torch as pytorch

from .cases import Case, by_onnx, by_torch

Array = Any

CASES = [
    Case((2, 4, 6, 5), 6, attributes={"padding": (1, 1)}, mask=True, bias=True),
    Case((1, 4, 7, 9), 2, (2, 3), {"stride": (1, 2), "padding": (2, 0), "dilation": (3, 2)}, mask=True),
    Case((1, 6, 4, 5), 4, (2, 2), {"groups": 2, "deform_groups": 3}, mask=True),
    Case((1, 4, 5, 4), 4, attributes={"groups": 2, "deform_groups": 2}, bias=True),
]


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytorch(os.environ)


def answered(case: Case, inputs: list[Array]) -> Array:
    if case.mask:
        return modulated(inputs, case.attributes)[0]
    x, offset, _, weight, bias = inputs
    return plain([x, offset, weight, bias], case.attributes)[0]


@pytest.mark.parametrize("case", CASES)
def test_it_is_as_pytorch_samples_and_sums(torch: Any, case: Case) -> None:
    inputs = case.inputs()
    np.testing.assert_allclose(answered(case, inputs), by_torch(torch, case, inputs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES)
def test_it_is_as_onnx_defines_it(case: Case) -> None:
    inputs = case.inputs()
    np.testing.assert_allclose(answered(case, inputs), by_onnx(case, inputs), rtol=1e-4, atol=1e-5)


def test_places_that_do_not_move_are_a_convolution(torch: Any) -> None:
    pairs: dict[str, Any] = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 3), "groups": 2}
    case = Case((2, 6, 8, 9), 4, (3, 2), pairs, bias=True)
    x, offset, _, weight, bias = case.inputs()
    wanted = torch.nn.functional.conv2d(*(torch.from_numpy(array) for array in (x, weight, bias)), **pairs)
    found = plain([x, np.zeros_like(offset), weight, bias], case.attributes)[0]
    np.testing.assert_allclose(found, wanted.numpy(), rtol=1e-5, atol=1e-5)


def test_legacy_pairs_are_columns_and_rows() -> None:
    case = Case((1, 4, 7, 9), 2, (2, 3), {"stride": (1, 2), "padding": (2, 0), "dilation": (3, 2)})
    x, offset, _, weight, _ = case.inputs()
    swapped = {name: case.pair(name)[::-1] for name in case.attributes}
    np.testing.assert_array_equal(
        plain([x, offset, weight], {**swapped, "legacy": 1})[0], plain([x, offset, weight], case.attributes)[0]
    )
