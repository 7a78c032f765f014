"""The kernels, run on the processor under sanitizers, against the reference and PyTorch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.grid_sampler.reference import reference
from tests.plugins.cpu.kernels import Kernels, Output
from tests.support.pytorch import torch as import_torch

from .calls import LARGE_FROM, MODES, PADDINGS, attributes, grid_sampler, numbers, torch_answer

TOLERANCE = {"float32": 2e-5, "float16": 2e-3}
NOWHERE = [float("nan"), float("inf"), -float("inf"), 1e30, -1e30, 3e9, -3e9, 1.0, -1.0, 0.3]


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels.of("grid_sampler") as found:
        yield found


def check(kernels: Kernels, image: Any, grid: Any, how: dict[str, int], large_from: int = LARGE_FROM) -> None:
    (wanted,) = reference([image, grid], how)
    found = grid_sampler(kernels, image, grid, how, large_from)
    tolerance = TOLERANCE[image.dtype.name]
    np.testing.assert_allclose(found.astype(np.float32), wanted.astype(np.float32), rtol=tolerance, atol=tolerance)


def made(seed: int, image: tuple[int, ...], places: tuple[int, ...], dtype: str = "float32") -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    grid = draw.uniform(-1.4, 1.4, (image[0], *places, len(image) - 2))
    return draw.standard_normal(image).astype(dtype), grid.astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_of_images(kernels: Kernels, mode: str, padding: str, align: int, dtype: str) -> None:
    check(kernels, *made(align, (2, 5, 9, 13), (7, 11), dtype), attributes(mode, padding, align))


@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", MODES[:2])
def test_every_mode_of_volumes(kernels: Kernels, mode: str, padding: str, align: int) -> None:
    check(kernels, *made(align, (2, 3, 4, 5, 6), (3, 4, 5)), attributes(mode, padding, align))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_grid_that_jumps_is_sampled_from_a_copy(kernels: Kernels, dtype: str, mode: str) -> None:
    # More than one tile of places, channels that do not fill a warp's last turn, planes that do not fill a square.
    image, grid = made(3, (2, 35, 9, 21), (10, 14), dtype)
    how = attributes(mode)
    check(kernels, image, grid, how, large_from=1)
    plain = grid_sampler(kernels, image, grid, how)
    copied = grid_sampler(kernels, image, grid, how, large_from=1)
    np.testing.assert_allclose(copied, plain, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("turned", [0.02, 0.3, 3.0])
def test_tiles_of_a_smooth_grid(kernels: Kernels, turned: float, padding: str, dtype: str) -> None:
    """Tiles whose elements fit shared memory, tiles at the edges and outside, and tiles that do not fit."""
    y, x = np.meshgrid(np.linspace(-1.1, 1.1, 37), np.linspace(-1.2, 0.8, 90), indexing="ij")
    bent = [x + turned * y + 0.03 * np.sin(5 * y), y - turned * x]
    grid = np.stack([np.stack(bent, -1), np.stack(bent[::-1], -1) * 40]).astype(dtype)
    image = np.random.default_rng(1).standard_normal((2, 9, 40, 88)).astype(dtype)
    check(kernels, image, grid, attributes(padding=padding), large_from=1)


def test_a_volume_that_is_jumped_about_in(kernels: Kernels) -> None:
    check(kernels, *made(3, (1, 33, 4, 5, 6), (5, 6, 5)), attributes("bilinear", "border"), large_from=1)


def test_a_smooth_grid_is_not_sampled_from_a_copy(kernels: Kernels) -> None:
    """Of a copy that were made, a workspace too small for it would tell: the sanitizer sees each write."""
    y, x = np.meshgrid(np.linspace(-0.9, 0.9, 12), np.linspace(-0.9, 0.9, 40), indexing="ij")
    grid = np.stack([x, y], -1)[None].astype(np.float32)
    image = np.random.default_rng(1).standard_normal((1, 32, 12, 40)).astype(np.float32)
    how = attributes()
    told = numbers(image.shape, grid.shape, how, 1)
    outputs = Output((1, 32, 12, 40), np.float32), Output((1,), np.int32)
    found, said = kernels.call("run_float", *told, image, grid, *outputs, None)
    assert said[0] == 0
    np.testing.assert_allclose(found, reference([image, grid], how)[0], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("padding", PADDINGS)
@pytest.mark.parametrize("mode", MODES)
def test_places_that_nobody_knows_read_nothing_outside(kernels: Kernels, mode: str, padding: str) -> None:
    image = np.random.default_rng(1).standard_normal((1, 2, 5, 6)).astype(np.float32)
    grid = np.array([[x, y] for x in NOWHERE for y in NOWHERE], np.float32).reshape(1, 10, 10, 2)
    how = attributes(mode, padding)
    found = grid_sampler(kernels, image, grid, how)
    assert np.isfinite(found).all()
    check(kernels, image, grid, how)


def test_halves_and_how_they_were_rounded_before(kernels: Kernels) -> None:
    torch = import_torch(os.environ)
    image = np.arange(8, dtype=np.float32).reshape(1, 1, 1, 8)
    places = (2 * (np.arange(9, dtype=np.float32) - 0.5) + 1) / 8 - 1
    grid = np.stack([places, np.zeros_like(places)], -1)[None, None]
    how = attributes("nearest")
    np.testing.assert_array_equal(grid_sampler(kernels, image, grid, how), torch_answer(torch, image, grid, how))
    check(kernels, image, grid, {**how, "legacy": 1})


@settings(max_examples=30, deadline=None)
@given(
    image=st.tuples(*(st.integers(1, high) for high in (3, 40, 20, 20))),
    places=st.tuples(st.integers(1, 20), st.integers(1, 40)),
    mode=st.sampled_from(MODES),
    padding=st.sampled_from(PADDINGS),
    align=st.integers(0, 1),
    large_from=st.sampled_from([1, LARGE_FROM]),
    seed=st.integers(0, 1000),
)
def test_any_size(
    kernels: Kernels,
    image: tuple[int, ...],
    places: tuple[int, ...],
    mode: str,
    padding: str,
    align: int,
    large_from: int,
    seed: int,
) -> None:
    how = attributes(mode, padding, align)
    if mode == "nearest":
        # Rounding hangs on the last bit of a coordinate; these are the same on every machine.
        values, grid = made(seed, image, places)
        grid = np.round(grid * 64) / np.float32(64)
        check(kernels, values, grid, how, large_from)
    else:
        check(kernels, *made(seed, image, places), how, large_from)


@pytest.mark.parametrize(
    ("image", "places"),
    [((0, 3, 4, 4), (2, 2)), ((1, 0, 4, 4), (2, 2)), ((1, 3, 0, 4), (2, 2)), ((1, 3, 4, 4), (0, 2))],
)
def test_empty_tensors(kernels: Kernels, image: tuple[int, ...], places: tuple[int, ...]) -> None:
    found = grid_sampler(kernels, *made(1, image, places), attributes())
    assert found.shape == (*image[:2], *places)
    np.testing.assert_array_equal(found, 0)


def test_cubic_interpolation_of_volumes_is_refused(kernels: Kernels) -> None:
    image, grid = made(1, (1, 1, 2, 2, 2), (2, 2, 2))
    told = numbers(image.shape, grid.shape, attributes("bicubic"))
    output = Output((1, 1, 2, 2, 2), np.float32)
    assert kernels.status("run_float", *told, image, grid, output, None, None) == 1


def test_a_workspace_never_shrinks_when_a_size_grows(kernels: Kernels) -> None:
    def size(*image: int) -> int:
        return kernels.status("workspace_bytes", *numbers(image, (image[0], 512, 512, 2), attributes()), 4)

    sizes = [size(1, channels, 256, 256) for channels in (1, 16, 32, 64, 1024, 4096)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 0
    assert sizes[3] == 256 + 4 * 64 * 256 * 256
