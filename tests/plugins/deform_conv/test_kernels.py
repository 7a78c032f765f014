"""The kernels of both deformable convolutions, run on the processor under sanitizers, against the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from plugins.common.deform_conv.reference import Shape, deform_conv
from tests.plugins.cpu.kernels import Kernels, Scratch

from .cases import Case, computed

Array = Any

FLOAT, ROUNDED, HALF = ("float32", False), ("float32", True), ("float16", False)
TOLERANCE = {FLOAT: 2e-5, ROUNDED: 4e-3, HALF: 4e-3}

CASES = {
    "one tap": Case((1, 32, 8, 8), 64, (1, 1)),
    "several images in a tile of pixels": Case((5, 24, 4, 3), 48, attributes={"padding": (1, 1)}),
    "256 columns": Case((1, 16, 15, 18), 250, (1, 1), bias=True),
    "128 columns": Case((1, 32, 17, 16), 128, (1, 1), bias=True),
    "several tiles of columns": Case((1, 16, 5, 4), 320, (1, 2)),
    "stride, padding and dilation of rows and columns differ": Case(
        (1, 16, 9, 14), 32, (2, 3), {"stride": (1, 3), "padding": (2, 0), "dilation": (3, 2)}
    ),
    "more taps than places are held": Case((1, 16, 8, 7), 32, (5, 4), {"padding": (2, 1)}),
    "groups": Case((1, 64, 6, 5), 96, attributes={"groups": 2}, bias=True),
    "deform groups": Case((1, 64, 6, 5), 32, attributes={"deform_groups": 4}),
    "groups that are parts of deform groups": Case((1, 96, 4, 5), 96, attributes={"groups": 4, "deform_groups": 2}),
    "groups that do not fit into deform groups": Case((1, 96, 4, 5), 64, attributes={"groups": 2, "deform_groups": 3}),
    "channels that fill no vector": Case((1, 39, 5, 6), 35),
    "many chunks of channels": Case((1, 136, 5, 5), 33, (2, 2)),
    "a picture": Case((2, 3, 9, 7), 16, attributes={"stride": (2, 2)}, bias=True),
    "depthwise": Case((2, 6, 7, 5), 6, attributes={"groups": 6, "deform_groups": 2}, bias=True),
}
EMPTY = {
    "no images": Case((0, 16, 5, 5), 8),
    "no output channels": Case((1, 16, 5, 5), 0),
    "no pixels of output": Case((1, 16, 2, 5), 8),
}


@pytest.fixture(scope="module")
def plain() -> Iterator[Kernels]:
    with Kernels.of("mmcv_deform_conv2d") as found:
        yield found


@pytest.fixture(scope="module")
def modulated() -> Iterator[Kernels]:
    with Kernels.of("mmcv_modulated_deform_conv2d") as found:
        yield found


def with_mask(case: Case) -> Case:
    return Case(case.x, case.out, case.kernel, case.attributes, True, case.bias)


def check(kernels: Kernels, case: Case, way: tuple[str, bool], inputs: list[Array] | None = None) -> None:
    given_ = inputs or case.inputs(way[0])
    exact: list[Any] = [None if array is None else array.astype(np.float64) for array in given_]
    x, offset, mask, weight, bias = exact
    wanted = deform_conv(x, offset, mask, weight, bias, Shape.of(case.attributes))
    found = computed(kernels, case, given_, way[1])
    np.testing.assert_allclose(found.astype(np.float64), wanted, rtol=TOLERANCE[way], atol=TOLERANCE[way])


@pytest.mark.parametrize("way", TOLERANCE, ids=("float", "tf32", "half"))
@pytest.mark.parametrize("name", CASES)
def test_every_way_through_is_as_the_reference(modulated: Kernels, name: str, way: tuple[str, bool]) -> None:
    check(modulated, with_mask(CASES[name]), way)


@pytest.mark.parametrize("way", [FLOAT, HALF], ids=("float", "half"))
@pytest.mark.parametrize("name", ["one tap", "groups", "a picture"])
def test_without_masks(plain: Kernels, name: str, way: tuple[str, bool]) -> None:
    check(plain, CASES[name], way)


@settings(max_examples=25, deadline=None)
@given(
    images=st.integers(1, 3),
    place=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    pairs=st.tuples(*(st.tuples(st.integers(low, 3), st.integers(low, 3)) for low in (1, 0, 1))),
    groups=st.tuples(st.sampled_from([1, 2, 3]), st.sampled_from([1, 2, 3])),
    per=st.tuples(st.integers(1, 5), st.integers(1, 40)),
    way=st.sampled_from([FLOAT, HALF]),
    seed=st.integers(0, 99),
)
def test_any_size(
    modulated: Kernels,
    images: int,
    place: Any,
    kernel: Any,
    pairs: Any,
    groups: tuple[int, int],
    per: tuple[int, int],
    way: tuple[str, bool],
    seed: int,
) -> None:
    stride, padding, dilation = pairs
    attributes = {"stride": stride, "padding": padding, "dilation": dilation}
    channels = 6 * per[0]
    case = Case(
        (images, channels, *place),
        groups[0] * per[1],
        kernel,
        {**attributes, "groups": groups[0], "deform_groups": groups[1]},
        mask=True,
        bias=seed % 2 == 0,
    )
    assume(min(case.rows_and_columns) > 0)
    check(modulated, case, way, case.inputs(way[0], seed))


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_is_no_launch(modulated: Kernels, name: str) -> None:
    case = with_mask(EMPTY[name])
    assert computed(modulated, case, case.inputs()).size == 0


def test_places_far_away_and_not_a_number_count_nothing(modulated: Kernels) -> None:
    case = Case((1, 16, 5, 6), 16, (1, 1), mask=True, bias=True)
    inputs = case.inputs()
    inputs[1][...] = np.resize([np.nan, np.inf, -np.inf, 3e38, -3e38, 1e9, -1.0, 6.0], inputs[1].shape)
    inputs[1][0, :, 0, 0] = -1.0  # the row above the first: nothing of it
    found = computed(modulated, case, inputs)
    np.testing.assert_array_equal(found, np.broadcast_to(inputs[4][:, None, None], found.shape[1:])[None])


@pytest.mark.parametrize("out", [16, 1], ids=("tiles", "direct"))
def test_what_has_no_share_is_not_read(modulated: Kernels, out: int) -> None:
    case = Case((1, 16, 4, 4), out, (1, 1), mask=True)
    inputs = case.inputs()
    inputs[1][...] = 0.0
    inputs[0][0, :, 2, 2] = np.nan
    inputs[0][0, :, 1, 3] = np.inf
    found = computed(modulated, case, inputs)[0, 0]
    assert np.argwhere(~np.isfinite(found)).tolist() == [[1, 3], [2, 2]]


@pytest.mark.parametrize("factor", [np.nan, np.inf])
@pytest.mark.parametrize("out", [16, 1], ids=("tiles", "direct"))
def test_no_factor_makes_a_pixel_outside_be_read(modulated: Kernels, out: int, factor: float) -> None:
    case = Case((1, 16, 2, 2), out, (1, 1), mask=True)
    inputs = case.inputs()
    # Around the corners of the image: only one of four neighbours is inside.
    inputs[1][0] = [[[-0.5, -0.5], [0.5, 0.5]], [[-0.5, 0.5], [-0.5, 0.5]]]
    inputs[2][...] = factor
    assert not np.isfinite(computed(modulated, case, inputs)).any()


@pytest.mark.parametrize(("place", "value"), [(15, 0), (15, 5), (16, 0), (16, 3), (4, 63)])
def test_sizes_that_do_not_go_together_are_refused(modulated: Kernels, place: int, value: int) -> None:
    case = Case((1, 16, 5, 5), 64, attributes={"groups": 2}, mask=True)
    numbers = (*case.numbers[:place], value, *case.numbers[place + 1 :])
    assert modulated.status("run_float", numbers, *[None] * 6, 0, Scratch(0), None) == 1
