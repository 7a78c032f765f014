"""cummax and cummin: what the kernels give is what PyTorch gives, bit for bit, and so is what the reference gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.arrays import eventful
from tests.plugins.cpu.kernels import Kernels

from .expected import by_pytorch, by_reference, same
from .scanning import SYMBOLS, scanned

Array = Any


@pytest.fixture(scope="module", params=["cummax", "cummin"])
def name(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


@pytest.fixture(scope="module")
def kernels(name: str) -> Iterator[Kernels]:
    with Kernels.of(name) as made:
        yield made


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_shape_with_anything_in_it(kernels: Kernels, name: str, data: st.DataObject) -> None:
    shape = tuple(data.draw(st.lists(st.integers(1, 12), min_size=1, max_size=4), "shape"))
    dim = data.draw(st.integers(-len(shape), len(shape) - 1), "dim")
    dtype = data.draw(st.sampled_from(sorted(SYMBOLS)), "dtype")
    array = eventful(shape, dtype, data.draw(st.integers(0, 99), "seed"), data.draw(st.floats(0, 1), "unusual"))
    expected = by_pytorch(name, array, dim)
    same(scanned(kernels, array, dim), expected)
    same(by_reference(name, array, dim, legacy=False), expected)
    same(scanned(kernels, array, dim, legacy=True), by_reference(name, array, dim, legacy=True))


@pytest.mark.parametrize("dtype", sorted(SYMBOLS))
@pytest.mark.parametrize("shape", [(2, 9_001), (300, 71)])
def test_tiles_that_wait_for_each_other(kernels: Kernels, name: str, shape: tuple[int, int], dtype: str) -> None:
    array = eventful(shape, dtype, unusual=0.001)
    for dim in (0, 1):
        same(scanned(kernels, array, dim), by_pytorch(name, array, dim))


def test_every_half_has_its_place_among_all_others(kernels: Kernels, name: str) -> None:
    rising = np.sort(np.arange(1 << 16, dtype=np.uint16).view(np.float16), kind="stable")
    rows = np.stack([rising, rising[::-1]])
    same(scanned(kernels, rows, 1), by_pytorch(name, rows, 1))


@pytest.mark.parametrize("shape", [(0,), (0, 5), (5, 0), (3, 0, 4)])
def test_nothing_gives_nothing(kernels: Kernels, name: str, shape: tuple[int, ...]) -> None:
    array = np.zeros(shape, np.float32)
    same(scanned(kernels, array, -1), [array, np.zeros(shape, np.int32)])
