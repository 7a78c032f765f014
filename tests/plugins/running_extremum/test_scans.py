"""The scans that cummax and cummin share: each way through them gives what PyTorch gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.plugins.arrays import eventful
from tests.plugins.cpu.kernels import Kernels, Output

from .expected import by_pytorch, by_reference, same
from .scanning import scanned

Array = Any
MANY = 1 << 40


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels.of("running_extremum") as made:
        yield made


# From how many rows and columns on nobody waits for another tile.
WAYS = [
    pytest.param((7,), 0, (MANY, MANY), id="one short row"),
    pytest.param((3, 1), -1, (MANY, MANY), id="an axis of one"),
    pytest.param((300, 3), 1, (MANY, MANY), id="two lanes for a row"),
    pytest.param((77, 29), 1, (MANY, MANY), id="eight lanes for a row"),
    pytest.param((5, 2047), 1, (MANY, MANY), id="a warp for a row"),
    pytest.param((3, 2051), 1, (1, MANY), id="a block for a row"),
    pytest.param((3, 4096), 1, (MANY, MANY), id="a row of one tile"),
    pytest.param((4, 8195), 1, (1, MANY), id="a block walks three tiles"),
    pytest.param((3, 20_001), 1, (MANY, MANY), id="tiles that wait for each other"),
    pytest.param((1, 145_000), 1, (MANY, MANY), id="more tiles than a warp looks at"),
    pytest.param((2, 19, 71), 1, (MANY, 1), id="many columns"),
    pytest.param((2, 19, 64), 1, (MANY, 1), id="many pairs of columns"),
    pytest.param((3, 11, 70), 1, (MANY, MANY), id="few columns, one tile"),
    pytest.param((2, 700, 71), 1, (MANY, MANY), id="few columns, tiles that wait"),
    pytest.param((900, 64), 0, (MANY, MANY), id="few pairs of columns, tiles that wait"),
    pytest.param((9_000, 3), 0, (MANY, MANY), id="three long columns"),
    pytest.param((2, 3, 4, 5, 6), 2, (MANY, MANY), id="five axes"),
]


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(("shape", "dim", "many"), WAYS)
def test_every_way_gives_what_pytorch_gives(
    kernels: Kernels, shape: tuple[int, ...], dim: int, many: tuple[int, int], dtype: str
) -> None:
    array = eventful(shape, dtype, seed=len(shape), unusual=0.001)
    same(scanned(kernels, array, dim, many), by_pytorch("cummax", array, dim))


@pytest.mark.parametrize("tile", [1, 2, 3, 5, 31, 32, 33, 34, 64, 65, 90])
@pytest.mark.parametrize("covered", [0, 1, 40])
def test_a_tile_that_looks_back_finds_the_last_of_equals(kernels: Kernels, tile: int, covered: int) -> None:
    """All tiles up to one have told what is before them, those after it what they have themselves."""
    values = np.random.default_rng(tile).integers(0, 3, tile).astype(np.float32)
    last = min(covered, tile - 1)
    words = np.zeros(tile + 1, np.uint64)
    for at in range(tile):
        best = int(np.flatnonzero(values[: at + 1] == values[: at + 1].max())[-1]) if at <= last else at
        told = 0x80000000 | (best * 100 + 7) if at <= last else 0x40000000 | 7
        words[at] = int(values[best].view(np.uint32)) << 32 | told
    found = kernels.call("look_back_at", words, tile, Output((2,), np.float32), Output((2,), np.int32), None)
    np.testing.assert_array_equal(found[0], values.max())
    np.testing.assert_array_equal(found[1], np.flatnonzero(values == values.max())[-1] * 100 + 7)


@pytest.mark.parametrize(("shape", "many"), [((3, 9_000), (MANY, MANY)), ((4, 5_000), (1, MANY)), ((300, 71), (1, 1))])
def test_the_legacy_order_takes_the_first_of_equals_and_no_later_nan(
    kernels: Kernels, shape: tuple[int, int], many: tuple[int, int]
) -> None:
    array = np.minimum(np.arange(np.prod(shape)).reshape(shape) % shape[1] // 7, 40).astype(np.float32)
    array[:, 5::11] = np.nan
    array[1, 0] = np.nan  # the only one that is seen, and then nothing else is
    for dim in (0, 1):
        values, places = scanned(kernels, array, dim, many, legacy=True)
        same([values, places], by_reference("cummax", array, dim, legacy=True))
    assert np.isnan(values[1]).all()
    assert (places[1] == 0).all()
    assert not np.isnan(values[0]).any()


def test_a_workspace_is_needed_only_where_tiles_wait(kernels: Kernels) -> None:
    needed = {
        (1, 2048, 1): 0,
        (64, 4096, 1): 0,
        (64, 1 << 20, 1): 256 + 64 * 256 * 8,
        (4096, 1 << 20, 1): 0,
        (32, 80, 15_200): 0,
        (1, 4096, 4096): 256 + 4096 * 32 * 8,
        (0, 1 << 20, 1): 0,
    }
    assert {sizes: kernels.status("needed_bytes", *sizes, 512, 131_072) for sizes in needed} == needed


SIZES = st.tuples(st.integers(0, 3_000), st.integers(0, 50_000), st.integers(1, 3_000))


@settings(max_examples=200, deadline=None)
@given(one=SIZES, other=SIZES)
def test_the_workspace_of_a_shape_is_enough_for_every_smaller_one(
    kernels: Kernels, one: tuple[int, ...], other: tuple[int, ...]
) -> None:
    smaller, larger = map(min, one, other), map(max, one, other)
    limits = 512, 131_072
    assert kernels.status("needed_bytes", *smaller, *limits) <= kernels.status("workspace_bytes", *larger, *limits)


def test_a_missing_workspace_is_an_error(kernels: Kernels) -> None:
    array = np.zeros((1, 10_000), np.float32)
    output = Output(array.shape, np.float32), Output(array.shape, np.int32)
    assert kernels.status("run_float", array, *output, None, 1, 10_000, 1, MANY, MANY, 0, None) == 1
