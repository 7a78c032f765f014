"""The kernels, run on the processor under sanitizers, against the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.mmcv_roi_align.reference import reference
from tests.plugins.cpu.kernels import Kernels

from .calls import SHARED_BYTES, attributes, numbers, random_rois, roi_align

TOLERANCE = {"float32": 2e-5, "float16": 2e-3}


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels.of("mmcv_roi_align") as found:
        yield found


def check(kernels: Kernels, features: Any, rois: Any, how: dict[str, Any]) -> None:
    (wanted,) = reference([features, rois], how)
    tolerance = TOLERANCE[features.dtype.name]
    # Planes in shared memory, where they fit that of the player, and where they lie.
    for shared_bytes in (SHARED_BYTES, 0) if how["mode"] == "avg" else (0,):
        found = roi_align(kernels, features, rois, how, shared_bytes)
        np.testing.assert_allclose(found.astype(np.float32), wanted.astype(np.float32), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("mode", ["avg", "max"])
@pytest.mark.parametrize("sampling", [0, 1, 2, 3])
@pytest.mark.parametrize("aligned", [0, 1])
def test_every_mode_is_as_the_reference(kernels: Kernels, aligned: int, sampling: int, mode: str, dtype: str) -> None:
    draw = np.random.default_rng(sampling)
    features = draw.standard_normal((2, 5, 19, 23)).astype(dtype)
    rois = random_rois(draw, 9, 2, 38, 46).astype(dtype)
    check(kernels, features, rois, attributes(spatial_scale=0.5, sampling_ratio=sampling, aligned=aligned, mode=mode))


@settings(max_examples=25, deadline=None)
@given(
    sizes=st.tuples(*(st.integers(1, high) for high in (3, 6, 40, 40))),
    bins=st.tuples(st.integers(1, 9), st.integers(1, 40)),
    count=st.integers(0, 70),
    sampling=st.integers(0, 5),
    mode=st.sampled_from(["avg", "max"]),
    seed=st.integers(0, 1000),
)
def test_any_size(
    kernels: Kernels, sizes: Any, bins: tuple[int, int], count: int, sampling: int, mode: str, seed: int
) -> None:
    draw = np.random.default_rng(seed)
    features = draw.standard_normal(sizes).astype(np.float32)
    rois = random_rois(draw, count if np.prod(bins) < 60 else count // 8, sizes[0], *sizes[2:])
    how = attributes(output_height=bins[0], output_width=bins[1], sampling_ratio=sampling, mode=mode)
    check(kernels, features, rois, how)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("sampling", [0, 2])
@pytest.mark.parametrize("channels", [1, 6])
def test_the_last_rows_of_a_plane_may_not_fit(kernels: Kernels, channels: int, sampling: int, dtype: str) -> None:
    draw = np.random.default_rng(channels)
    features = draw.standard_normal((1, channels, 20, 30)).astype(dtype)
    rois = random_rois(draw, 5, 1, 20, 30).astype(dtype)
    how = attributes(sampling_ratio=sampling)
    (wanted,) = reference([features, rois], how)
    # A list of rois, windows of 512 threads, a row of zeros and 18 of the 20 rows.
    fitting = 16 + 2 * 1024 + 512 * 8 + 32 * 4 + 18 * 30 * 4
    # Of the second, one row less is too little to begin with.
    for shared_bytes in (fitting, fitting - 30 * 4 * 2):
        found = roi_align(kernels, features, rois, how, shared_bytes)
        tolerance = TOLERANCE[dtype]
        np.testing.assert_allclose(found.astype(np.float32), wanted.astype(np.float32), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("sampling", [0, 1, 2])
def test_rois_whose_tables_do_not_fit_take_several_turns(kernels: Kernels, sampling: int) -> None:
    draw = np.random.default_rng(sampling)
    features = draw.standard_normal((2, 3, 20, 30)).astype(np.float32)
    rois = random_rois(draw, 11, 2, 20, 30)
    how = attributes(sampling_ratio=sampling)
    one = kernels.status("workspace_bytes", *numbers(features.shape, 1, how))
    for at_once in (0.5, 1, 4.5):
        limit = int(at_once * one)
        assert kernels.status("workspace_bytes", *numbers(features.shape, 11, how, table_bytes=limit)) == max(
            limit, one
        )
        found = roi_align(kernels, features, rois, how, table_bytes=limit)
        np.testing.assert_allclose(found, reference([features, rois], how)[0], rtol=2e-5, atol=2e-5)


def test_many_samples_in_a_bin_take_several_turns_of_a_warp(kernels: Kernels) -> None:
    draw = np.random.default_rng(1)
    features = draw.standard_normal((1, 2, 90, 200)).astype(np.float32)
    rois = np.array([[0, 3, 2, 190, 85], [0, 100, 40, 101, 41]], np.float32)
    check(kernels, features, rois, attributes(output_height=2, output_width=3))
    check(kernels, features, rois, attributes(output_height=1, output_width=2, mode="max"))


def test_rois_of_no_image_and_of_no_place_give_zeros(kernels: Kernels) -> None:
    features = np.ones((2, 3, 8, 8), np.float32)
    nowhere = float("nan")
    rois = np.array([[0, 1, 1, 5, 5]] * 7, np.float32)
    rois[1:4, 0] = 2, -1, nowhere
    rois[4:] = [1, nowhere, 1, 5, 5], [1, -np.inf, 1, np.inf, 5], [1, 50, 50, 60, 60]
    for how in (attributes(), attributes(sampling_ratio=2)):
        found = roi_align(kernels, features, rois, how)
        np.testing.assert_allclose(found[0], 1, rtol=1e-6)
        np.testing.assert_array_equal(found[1:], 0)


def test_huge_rois_end(kernels: Kernels) -> None:
    features = np.ones((1, 1, 8, 8), np.float32)
    rois = np.array([[0, -1e9, -1e9, 1e9, 1e9], [0, -1e30, 0, 1e30, 8], [0, 0, 0, 3e38, 8]], np.float32)
    for mode in ("avg", "max"):
        found = roi_align(kernels, features, rois, attributes(mode=mode))
        assert (np.abs(found) <= 1).all()


def test_samples_outside_are_zeros_and_count(kernels: Kernels) -> None:
    features = np.full((1, 1, 64, 64), -1, np.float32)
    rois = np.array([[0, 0, 0, 1000, 1000]], np.float32)
    how = attributes(output_height=1, output_width=1)
    (wanted,) = reference([features, rois], how)
    np.testing.assert_allclose(roi_align(kernels, features, rois, how), wanted, rtol=1e-5)
    np.testing.assert_array_equal(roi_align(kernels, features, rois, {**how, "mode": "max"}), 0)


def test_what_lies_outside_is_not_multiplied_by_nothing(kernels: Kernels) -> None:
    """An infinity that no sample touches stays out of the sums."""
    features = np.ones((1, 1, 6, 6), np.float32)
    features[0, 0, 0, 0] = np.inf
    rois = np.array([[0, 3, 3, 9, 9]], np.float32)
    assert np.isfinite(roi_align(kernels, features, rois, attributes(sampling_ratio=2))).all()


@pytest.mark.parametrize(
    ("features", "rois"), [((0, 3, 4, 4), 2), ((1, 0, 4, 4), 2), ((1, 3, 0, 4), 2), ((1, 3, 4, 4), 0)]
)
def test_empty_tensors(kernels: Kernels, features: tuple[int, ...], rois: int) -> None:
    boxes = np.tile(np.array([0, 0, 0, 3, 3], np.float32), (rois, 1))
    found = roi_align(kernels, np.ones(features, np.float32), boxes, attributes())
    assert found.shape == (rois, features[1], 7, 7)
    np.testing.assert_array_equal(found, 0)
