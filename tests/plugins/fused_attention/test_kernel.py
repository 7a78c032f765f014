"""The kernels, run on the processor under sanitizers, against the reference."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.fused_attention.reference import reference
from tests.plugins.cpu.kernels import Kernels
from tests.plugins.expected import tolerance

from .cases import Case, computed

TYPES = ("float16", "float32")


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels.of("fused_attention") as found:
        yield found


def check(kernels: Kernels, case: Case, dtype: str, seed: int = 0) -> None:
    inputs = case.inputs(dtype, seed)
    (wanted,) = reference([array.astype(np.float64) for array in inputs], case.attributes)
    found = computed(kernels, case, inputs).astype(np.float64)
    limit = tolerance("fused_attention")[dtype]
    np.testing.assert_allclose(found, wanted, rtol=limit, atol=limit)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("channels", [1, 7, 8, 16, 24, 32, 40, 64, 72, 128])
def test_any_number_of_channels(kernels: Kernels, channels: int, dtype: str) -> None:
    check(kernels, Case(channels=channels), dtype)


# The player says it has four multiprocessors, so these sizes are what makes each plan the cheapest.
@pytest.mark.parametrize("channels", [32, 64, 128])
@pytest.mark.parametrize(
    ("queries", "batch", "heads"), [(5, 1, 3), (64, 1, 4), (150, 1, 2)], ids=["few", "some", "many"]
)
def test_every_plan_of_the_tensor_cores(kernels: Kernels, queries: int, batch: int, heads: int, channels: int) -> None:
    check(kernels, Case(queries, 150, channels, heads, batch), "float16")


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("keys", [1, 15, 16, 17, 31, 33, 127, 128, 129, 300])
def test_any_number_of_keys(kernels: Kernels, keys: int, dtype: str) -> None:
    check(kernels, Case(queries=17, keys=keys), dtype)


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("rows_first", [False, True])
@pytest.mark.parametrize("joined", [False, True])
def test_one_tensor_or_three_and_both_orders_of_axes(
    kernels: Kernels, joined: bool, rows_first: bool, dtype: str
) -> None:
    check(kernels, Case(queries=33, joined=joined, rows_first=rows_first, heads=3, channels=16), dtype)


@settings(max_examples=25, deadline=None)
@given(
    case=st.builds(
        Case,
        queries=st.integers(0, 90),
        keys=st.integers(0, 90),
        channels=st.integers(1, 128),
        heads=st.integers(1, 3),
        batch=st.integers(0, 2),
        joined=st.booleans(),
        rows_first=st.booleans(),
    ),
    dtype=st.sampled_from(TYPES),
    seed=st.integers(0, 99),
)
def test_any_size(kernels: Kernels, case: Case, dtype: str, seed: int) -> None:
    check(kernels, case, dtype, seed)


@pytest.mark.parametrize("dtype", TYPES)
def test_scores_too_large_for_a_power_are_still_shares(kernels: Kernels, dtype: str) -> None:
    case = Case(queries=20, keys=200)
    query, key, value = case.inputs(dtype)
    inputs = [(query * 16).astype(dtype), (key * 16).astype(dtype), value]
    (wanted,) = reference([array.astype(np.float64) for array in inputs], case.attributes)
    # A score of a thousand has no more digits in float32.
    np.testing.assert_allclose(computed(kernels, case, inputs), wanted, rtol=3e-3, atol=3e-3)


@pytest.mark.parametrize("dtype", TYPES)
def test_what_is_no_number_reaches_only_rows_that_see_it(kernels: Kernels, dtype: str) -> None:
    case = Case(batch=2, heads=2)
    inputs = case.inputs(dtype)
    inputs[0][0, 3, 1] = np.nan  # a query of the first head
    inputs[2][1, 69, 40] = np.nan  # the last value of the second head
    found = computed(kernels, case, inputs)
    wanted = np.zeros(found.shape, bool)
    wanted[0, 3, :32] = True
    wanted[1, :, 40] = True
    np.testing.assert_array_equal(np.isnan(found), wanted)


@pytest.mark.parametrize(("channels", "scale"), [(129, 1.0), (0, 1.0), (32, 0.0), (32, -1.0), (32, float("nan"))])
def test_what_it_cannot_do_is_refused(kernels: Kernels, channels: int, scale: float) -> None:
    sizes, _ = Case().numbers
    sizes = (*sizes[:4], channels, *sizes[5:])
    for symbol in ("run_half", "run_float"):
        assert kernels.status(symbol, sizes, scale, None, None, None, None, None) != 0
