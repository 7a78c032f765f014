"""Replaced slices: the kernel against PyTorch's assignment by indices, in one pass and in turn."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.scatter_nd.reference import reference
from tests.plugins.arrays import eventful
from tests.plugins.cpu.kernels import Kernels, Output, Scratch
from tests.support import pytorch

Array = Any
DTYPES = ("float32", "float16", "int32")


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels.of("scatter_nd") as made:
        yield made


def eight(sizes: tuple[int, ...]) -> tuple[int, ...]:
    """As many as the binding takes."""
    return (*sizes, *[1] * (8 - len(sizes)))


def scattered(
    kernels: Kernels, data: Array, indices: Array, updates: Array, workspace: bool = True, in_place: bool = False
) -> Array:
    depth = indices.shape[-1]
    slice_bytes = int(np.prod(data.shape[depth:])) * data.itemsize
    how = int(np.prod(indices.shape[:-1])), depth, *eight(data.shape[:depth]), slice_bytes
    bytes_wanted = kernels.status("scatter_workspace", *how) if workspace else 0
    (found,) = kernels.call(
        "scatter_in_place" if in_place else "scatter",
        *how,
        data,
        *([data.nbytes] if in_place else []),
        indices,
        updates,
        Output(data.shape, data.dtype),
        Scratch(bytes_wanted) if bytes_wanted else None,
        None,
    )
    return found


def by_pytorch(data: Array, indices: Array, updates: Array) -> Array:
    torch = pytorch.torch(os.environ)
    output = torch.from_numpy(data.copy())
    output[tuple(torch.from_numpy(indices.astype(np.int64)).unbind(-1))] = torch.from_numpy(updates)
    return output.numpy()


def case(shape: tuple[int, ...], depth: int, count: int, dtype: str, seed: int = 0) -> tuple[Array, Array, Array]:
    """Data, distinct indices (some of them negative) and updates."""
    random = np.random.default_rng(seed)
    flat = random.permutation(int(np.prod(shape[:depth])))[:count]
    indices = np.stack(np.unravel_index(flat, shape[:depth]), -1).astype(np.int32)
    indices -= np.where(random.random(indices.shape) < 0.3, np.array(shape[:depth], np.int32), 0).astype(np.int32)
    updates = eventful((len(flat), *shape[depth:]), dtype, seed + 1, 0.2)
    return eventful(shape, dtype, seed + 2, 0.2), indices, updates


def equal(found: Array, expected: Array) -> None:
    np.testing.assert_array_equal(found.view(np.uint8), expected.view(np.uint8))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "depth", "count"),
    [
        pytest.param((40, 96), 1, 20, id="rows of 16-byte packs"),
        pytest.param((40, 50), 1, 20, id="rows of 8-byte packs"),
        pytest.param((40, 51), 1, 20, id="rows of 4-byte packs or single halves"),
        pytest.param((6, 7, 33), 2, 30, id="slices of two axes"),
        pytest.param((6, 7, 8), 3, 50, id="single elements"),
        pytest.param((500, 64), 1, 1, id="one update of many rows"),
        pytest.param((2, 2, 2, 2, 2, 2, 2, 3), 8, 9, id="eight axes"),
    ],
)
def test_every_way_gives_what_pytorch_gives(
    kernels: Kernels, shape: tuple[int, ...], depth: int, count: int, dtype: str
) -> None:
    tensors = case(shape, depth, count, dtype)
    expected = by_pytorch(*tensors)
    equal(scattered(kernels, *tensors), expected)
    equal(scattered(kernels, *tensors, workspace=False), expected)
    equal(scattered(kernels, *tensors, in_place=True), expected)
    equal(reference(tensors, {})[0], expected)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_shape(kernels: Kernels, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=5), "shape"))
    depth = data.draw(st.integers(1, len(shape)), "depth")
    count = data.draw(st.integers(0, int(np.prod(shape[:depth]))), "count")
    tensors = case(shape, depth, count, data.draw(st.sampled_from(DTYPES), "dtype"), data.draw(st.integers(0, 9)))
    expected = by_pytorch(*tensors)
    equal(scattered(kernels, *tensors), expected)
    equal(scattered(kernels, *tensors, in_place=True), expected)
    equal(reference(tensors, {})[0], expected)


@pytest.mark.parametrize("columns", [3, 64])
def test_indices_outside_are_left_out(kernels: Kernels, columns: int) -> None:
    data, _, updates = case((9, columns), 1, 6, "float32")
    indices = np.array([[9], [-10], [-9], [2**31 - 1], [-(2**31)], [8]], np.int32)
    expected = data.copy()
    expected[0], expected[8] = updates[2], updates[5]
    equal(scattered(kernels, data, indices, updates), expected)
    equal(reference([data, indices, updates], {})[0], expected)


def test_of_duplicates_the_last_wins_in_one_pass(kernels: Kernels) -> None:
    data, _, updates = case((9, 64), 1, 9, "float32")
    indices = np.array([[4], [1], [4], [-5], [1], [0], [0], [8], [4]], np.int32)
    equal(scattered(kernels, data, indices, updates), reference([data, indices, updates], {})[0])


@pytest.mark.parametrize(("shape", "count"), [((0, 4), 0), ((4, 0), 2), ((4, 5), 0)])
def test_nothing_gives_nothing(kernels: Kernels, shape: tuple[int, int], count: int) -> None:
    data = eventful(shape, "float32")
    indices, updates = np.zeros((count, 1), np.int32), np.zeros((count, shape[1]), np.float32)
    equal(scattered(kernels, data, indices, updates), data)
    equal(reference([data, indices, updates], {})[0], data)


def test_the_workspace_of_a_shape_is_enough_for_every_smaller_one(kernels: Kernels) -> None:
    def wanted(count: int, rows: int, slice_bytes: int) -> int:
        return kernels.status("scatter_workspace", count, 1, *eight((rows,)), slice_bytes)

    assert wanted(9, 4096, 16384) == 4096 * 4
    assert wanted(9, 100, 16384) <= wanted(9, 4096, 16384)
    assert wanted(9, 4096, 64) <= wanted(9, 4096, 16384)
    assert wanted(9, 1 << 24, 4) == 0
