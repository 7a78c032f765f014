"""The reference against PyTorch's `grid_sample`."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from plugins.grid_sampler.reference import reference
from tests.support.pytorch import torch as import_torch

from .calls import MODES, PADDINGS, attributes, torch_answer


@pytest.fixture(scope="module")
def torch() -> Any:
    return import_torch(os.environ)


@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize(
    ("sizes", "mode"),
    [(sizes, mode) for sizes in [(7, 9), (1, 5), (1, 1)] for mode in MODES]
    # PyTorch has no cubic interpolation of volumes.
    + [((4, 6, 5), mode) for mode in MODES[:2]],
)
def test_it_is_as_pytorch(torch: Any, sizes: tuple[int, ...], mode: str, padding: str, align: int) -> None:
    draw = np.random.default_rng(align)
    image = draw.standard_normal((2, 3, *sizes)).astype(np.float32)
    grid = draw.uniform(-1.7, 1.7, (2, *(5,) * len(sizes), len(sizes))).astype(np.float32)
    how = attributes(mode, padding, align)
    np.testing.assert_allclose(
        reference([image, grid], how)[0], torch_answer(torch, image, grid, how), rtol=1e-4, atol=2e-5
    )


@pytest.mark.parametrize("padding", PADDINGS)
def test_halves_go_to_the_even_element(torch: Any, padding: str) -> None:
    image = np.arange(8, dtype=np.float32).reshape(1, 1, 1, 8)
    # Between each two elements, and half an element outside of both ends.
    places = (2 * (np.arange(9, dtype=np.float32) - 0.5) + 1) / 8 - 1
    grid = np.stack([places, np.zeros_like(places)], -1)[None, None]
    how = attributes("nearest", padding)
    (found,) = reference([image, grid], how)
    np.testing.assert_array_equal(found, torch_answer(torch, image, grid, how))
    np.testing.assert_array_equal(found[0, 0, 0, 1:8], [0, 2, 2, 4, 4, 6, 6])
    (legacy,) = reference([image, grid], {**how, "legacy": 1})
    np.testing.assert_array_equal(legacy[0, 0, 0, 1:8], [1, 2, 3, 4, 5, 6, 7])
