"""Instance normalization: the kernel against PyTorch in double precision, each of its ways."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.mmcv_instance_norm.reference import reference
from tests.plugins.arrays import ordinary
from tests.plugins.cpu.kernels import Kernels, Output, Scratch
from tests.support import pytorch

Array = Any
EPSILON = 1e-5
# Of a value around 1: a few roundings of float32, one of float16.
TOLERANCE = {"float32": 2e-5, "float16": 2e-3}


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels.of("mmcv_instance_norm") as made:
        yield made


def normalized(kernels: Kernels, array: Array, scale: Array, bias: Array, epsilon: float = EPSILON) -> Array:
    sizes = (*array.shape[:2], int(np.prod(array.shape[2:])))
    bytes_wanted = kernels.status("instance_norm_workspace", *sizes)
    (found,) = kernels.call(
        f"instance_norm_{array.dtype.name}",
        array,
        scale,
        bias,
        Output(array.shape, array.dtype),
        *sizes,
        epsilon,
        Scratch(bytes_wanted) if bytes_wanted else None,
        None,
    )
    return found


def by_pytorch(array: Array, scale: Array, bias: Array, epsilon: float = EPSILON) -> Array:
    torch = pytorch.torch(os.environ)
    wide = [torch.from_numpy(item.astype(np.float64)) for item in (array, scale, bias)]
    return torch.nn.functional.instance_norm(wide[0], weight=wide[1], bias=wide[2], eps=epsilon).numpy()


def tensors(shape: tuple[int, ...], dtype: str, seed: int = 1) -> tuple[Array, Array, Array]:
    return (
        (ordinary(shape, dtype, seed) * 3 + 1).astype(dtype),
        (ordinary((shape[1],), dtype, seed + 1) * 0.5 + 1).astype(dtype),
        ordinary((shape[1],), dtype, seed + 2),
    )


@pytest.mark.parametrize("dtype", sorted(TOLERANCE))
@pytest.mark.parametrize(
    "shape",
    [
        pytest.param((3, 5, 2), id="a lane for a plane"),
        pytest.param((2, 3, 7, 5), id="some lanes for a plane"),
        pytest.param((2, 3, 8, 8), id="lanes with two packs"),
        pytest.param((5, 3, 11, 11), id="lanes with four packs"),
        pytest.param((2, 2, 31, 33), id="a warp for a plane"),
        pytest.param((1, 2, 3, 5, 7), id="a volume"),
        pytest.param((2, 3, 45, 67), id="a block for a plane"),
        pytest.param((1, 5, 131, 129), id="a block, or one of two, for a plane that it can not keep"),
        pytest.param((1, 2, 200, 201), id="blocks for each of few large planes"),
    ],
)
def test_every_way_gives_what_pytorch_gives(kernels: Kernels, shape: tuple[int, ...], dtype: str) -> None:
    given_tensors = tensors(shape, dtype)
    expected = by_pytorch(*given_tensors)
    np.testing.assert_allclose(normalized(kernels, *given_tensors), expected, TOLERANCE[dtype], TOLERANCE[dtype])
    (twin,) = reference(given_tensors, {"epsilon": EPSILON})
    np.testing.assert_allclose(twin, expected, TOLERANCE[dtype], TOLERANCE[dtype])


@settings(max_examples=25, deadline=None)
@given(
    shape=st.lists(st.integers(1, 9), min_size=3, max_size=5).filter(lambda shape: np.prod(shape[2:]) > 1),
    dtype=st.sampled_from(sorted(TOLERANCE)),
    epsilon=st.floats(1e-6, 1e-1),
    seed=st.integers(0, 99),
)
def test_any_shape(kernels: Kernels, shape: list[int], dtype: str, epsilon: float, seed: int) -> None:
    given_tensors = tensors(tuple(shape), dtype, seed)
    found = normalized(kernels, *given_tensors, epsilon)
    # Two elements that are nearly one have a deviation of nothing but their rounding.
    np.testing.assert_allclose(found, by_pytorch(*given_tensors, epsilon), 10 * TOLERANCE[dtype], TOLERANCE[dtype] * 5)


@pytest.mark.parametrize("size", [60, 3_000, 20_001])
def test_a_mean_far_from_zero_costs_no_digits(kernels: Kernels, size: int) -> None:
    """Squares are 1e8 times the variance here, and the mean is known to 5e-4 if it is a float32."""
    array = (ordinary((1, 2, size), "float32") + 10_000).astype(np.float32)
    scale, bias = np.ones(2, np.float32), np.zeros(2, np.float32)
    np.testing.assert_allclose(
        normalized(kernels, array, scale, bias), by_pytorch(array, scale, bias), rtol=2e-5, atol=2e-5
    )


@pytest.mark.parametrize("size", [60, 3_000, 20_001])
def test_planes_know_nothing_of_each_other(kernels: Kernels, size: int) -> None:
    array, scale, bias = tensors((2, 3, size), "float32")
    clean = normalized(kernels, array, scale, bias)
    array[0, 1, size // 2] = np.nan
    array[1, 2, -1] = np.inf
    found = normalized(kernels, array, scale, bias)
    assert np.isnan(found[0, 1]).all()
    assert np.isnan(found[1, 2]).all()
    for sample, channel in ((0, 0), (0, 2), (1, 0), (1, 1)):
        np.testing.assert_array_equal(found[sample, channel], clean[sample, channel])


def test_a_plane_of_one_element_is_its_bias(kernels: Kernels) -> None:
    array, scale, bias = tensors((2, 3, 1), "float32")
    np.testing.assert_array_equal(normalized(kernels, array, scale, bias)[..., 0], np.broadcast_to(bias, (2, 3)))


@pytest.mark.parametrize("shape", [(0, 2, 3), (2, 0, 3), (2, 3, 0)])
def test_nothing_gives_nothing(kernels: Kernels, shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, np.float32)
    scale = np.ones(shape[1], np.float32)
    assert normalized(kernels, array, scale, scale).shape == shape
    assert reference([array, scale, scale], {})[0].shape == shape
