"""The reference against PyTorch."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from plugins.fused_attention.reference import reference
from tests.support.pytorch import torch as pytorch

from .cases import Case


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytorch(os.environ)


@pytest.mark.parametrize("joined", [False, True])
def test_it_is_as_scaled_dot_product_attention(torch: Any, joined: bool) -> None:
    case = Case(joined=joined)
    inputs = case.inputs()
    parts = np.split(inputs[0], 3, axis=-1) if joined else inputs
    heads = [torch.from_numpy(x).reshape(*x.shape[:2], case.heads, case.channels).transpose(1, 2) for x in parts]
    wanted = torch.nn.functional.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2).numpy()
    np.testing.assert_allclose(reference(inputs, case.attributes)[0], wanted, rtol=1e-5, atol=1e-6)


def test_it_is_as_multihead_attention_whose_rows_come_first(torch: Any) -> None:
    case = Case(rows_first=True, batch=3)
    inputs = [torch.from_numpy(array) for array in case.inputs()]
    layer = torch.nn.MultiheadAttention(case.width, case.heads, bias=False)
    with torch.inference_mode():
        identity = torch.eye(case.width)
        layer.in_proj_weight.copy_(torch.cat([identity] * 3))
        layer.out_proj.weight.copy_(identity)
        wanted = layer(*inputs, need_weights=False)[0].numpy()
    np.testing.assert_allclose(reference(case.inputs(), case.attributes)[0], wanted, rtol=1e-5, atol=1e-6)


def test_without_keys_there_is_nothing() -> None:
    case = Case(keys=0)
    assert not reference(case.inputs(), case.attributes)[0].any()
