"""Deformable convolutions on the card, against torchvision's own operator there: float32, as TF32 is off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.plugins.deform_conv.cases import Case, computed

torch = pytest.importorskip("torch")
torchvision = pytest.importorskip("torchvision")

CASES = {
    "plain": Case((2, 64, 33, 41), 96, attributes={"padding": (1, 1)}),
    "mask and bias": Case((2, 64, 33, 41), 96, attributes={"padding": (1, 1)}, mask=True, bias=True),
    "rows and columns differ": Case(
        (1, 32, 40, 61), 48, (2, 3), {"stride": (1, 3), "padding": (2, 0), "dilation": (3, 2)}, mask=True
    ),
    "groups": Case((1, 96, 21, 20), 64, attributes={"groups": 2, "deform_groups": 3}, mask=True),
    "a picture": Case((2, 3, 64, 65), 64, attributes={"stride": (2, 2), "padding": (1, 1)}, bias=True),
    "256 output channels, many tiles": Case((4, 256, 50, 76), 256, attributes={"padding": (1, 1)}, mask=True),
}


def by_torchvision(case: Case, inputs: list[Any]) -> Any:
    """In float32 on the card, without TF32."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    x, offset, mask, weight, bias = (
        None if item is None else torch.from_numpy(item.astype(np.float32)).cuda() for item in inputs
    )
    pairs = {name: case.pair(name) for name in ("stride", "padding", "dilation")}
    return torchvision.ops.deform_conv2d(x, offset, weight, bias, mask=mask, **pairs).cpu().numpy()


@pytest.mark.parametrize(
    ("dtype", "tf32", "tolerance"), [("float32", False, 5e-5), ("float32", True, 4e-3), ("float16", False, 4e-3)]
)
@pytest.mark.parametrize("name", CASES)
def test_it_is_as_torchvision(name: str, dtype: str, tf32: bool, tolerance: float) -> None:
    from .kernels import CardKernels

    case = CASES[name]
    inputs = case.inputs(dtype)
    plugin = "mmcv_modulated_deform_conv2d" if case.mask else "mmcv_deform_conv2d"
    found = computed(CardKernels.of(plugin), case, inputs, tf32).astype(np.float32)
    np.testing.assert_allclose(found, by_torchvision(case, inputs), rtol=tolerance, atol=tolerance)
