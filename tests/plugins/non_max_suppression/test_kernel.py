"""The kernels, run on the processor under sanitizers, against ONNX Runtime and the reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.non_max_suppression.reference import reference
from tests.plugins.cpu.kernels import Kernels

from .calls import OVERLAP_BYTES, attributes, crowd, numbers, suppressed
from .onnx_answer import onnx_rows


@pytest.fixture(scope="module")
def kernels() -> Iterator[Kernels]:
    with Kernels.of("non_max_suppression") as found:
        yield found


def check(kernels: Kernels, boxes: Any, scores: Any, how: dict[str, Any], overlap_bytes: int = OVERLAP_BYTES) -> None:
    found = suppressed(kernels, boxes, scores, how, overlap_bytes)
    np.testing.assert_array_equal(found, reference([boxes, scores], how)[0])


@pytest.mark.parametrize("levels", [0, 7])
@pytest.mark.parametrize("most", [0, 1, 5])
@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.9])
def test_rows_are_those_of_onnx_runtime(kernels: Kernels, overlap: float, most: int, levels: int) -> None:
    boxes, scores = crowd(most, 2, 3, 150, levels=levels)
    how = attributes(iou_threshold=overlap, max_output_boxes_per_class=most)
    found = suppressed(kernels, boxes, scores, how)
    wanted = onnx_rows(boxes, scores, how)
    np.testing.assert_array_equal(found[: len(wanted)], wanted)
    np.testing.assert_array_equal(found[len(wanted) :], -1)


@pytest.mark.parametrize("boxes", [2048, 4100])
def test_more_boxes_than_one_block_sorts(kernels: Kernels, boxes: int) -> None:
    check(kernels, *crowd(boxes, 1, 1, boxes, levels=50), attributes())


@pytest.mark.parametrize("overlap_bytes", [1, 40_000, 90_000])
def test_boxes_are_compared_in_turns_where_memory_is_short(kernels: Kernels, overlap_bytes: int) -> None:
    check(kernels, *crowd(1, 2, 2, 300), attributes(), overlap_bytes)
    check(kernels, *crowd(1, 1, 2, 300), attributes(max_output_boxes_per_class=20), overlap_bytes)


def test_overlaps_exactly_at_the_limit_stay(kernels: Kernels) -> None:
    """A third, a half and others that a quotient meets exactly, at which a product would be rounded to either side."""
    draw = np.random.default_rng(1)
    wide, high = draw.integers(1, 40, (2, 12))
    first = np.stack([np.zeros(12), np.zeros(12), wide, high], -1)
    second = first.copy()
    second[:, 2] = wide * 3
    pairs = np.stack([first, second], 1).astype(np.float32)
    scores = np.tile(np.array([2, 1], np.float32), (12, 1, 1))
    for limit in (np.float32(1) / np.float32(3), np.nextafter(np.float32(1) / np.float32(3), np.float32(0))):
        how = attributes(iou_threshold=float(limit))
        found = suppressed(kernels, pairs, scores, how)
        wanted = onnx_rows(pairs, scores, how)
        np.testing.assert_array_equal(found[: len(wanted)], wanted)
        assert len(wanted) in (12, 24)


def test_a_chain_of_overlaps_is_decided_from_its_start(kernels: Kernels) -> None:
    """Each box overlaps the next one alone, so that every other one stays: the most rounds there can be."""
    start = np.arange(200, dtype=np.float32) * 6
    boxes = np.stack([start, np.zeros(200, np.float32), start + 10, np.ones(200, np.float32)], -1)[None]
    scores = np.linspace(1, 0.1, 200, dtype=np.float32)[None, None]
    found = suppressed(kernels, boxes, scores, attributes(iou_threshold=0.2))
    np.testing.assert_array_equal(found[:100, 2], np.arange(0, 200, 2))
    np.testing.assert_array_equal(found[100:], -1)


@pytest.mark.parametrize("legacy", [0, 1])
@pytest.mark.parametrize("score", [0.5, 0.99, 2.0])
def test_scores_below_the_threshold(kernels: Kernels, score: float, legacy: int) -> None:
    check(kernels, *crowd(1, 2, 3, 70), attributes(score_threshold=score, legacy=legacy))


def test_scores_that_are_no_numbers_and_zeros_of_both_signs(kernels: Kernels) -> None:
    boxes, _ = crowd(1, 1, 1, 8)
    values = [float("nan"), float("inf"), -0.0, 0.0, -float("inf"), float("nan"), 1.0, -3e38]
    scores = np.array(values, np.float32)[None, None]
    for score in (0.0, -1.0, -float("inf")):
        check(kernels, boxes, scores, attributes(score_threshold=score, iou_threshold=1.0))
    only = np.full((1, 1, 8), np.nan, np.float32)
    check(kernels, boxes, only, attributes(legacy=1))


def test_boxes_that_are_no_boxes(kernels: Kernels) -> None:
    boxes, scores = crowd(1, 1, 1, 12)
    boxes[0, :3] = np.nan
    boxes[0, 3] = np.inf
    boxes[0, 4, 0] = np.nan
    boxes[0, 5, 2:] = boxes[0, 5, :2]
    check(kernels, boxes, np.abs(scores), attributes(iou_threshold=0.1))


@settings(max_examples=15, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 200)),
    most=st.integers(0, 40),
    overlap=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    score=st.sampled_from([-1.0, 0.0, 0.4]),
    offset=st.integers(0, 1),
    centred=st.integers(0, 1),
    dtype=st.sampled_from(["float32", "float16"]),
    overlap_bytes=st.sampled_from([1, 10_000, OVERLAP_BYTES]),
    seed=st.integers(0, 1000),
)
def test_any_size(
    kernels: Kernels,
    sizes: tuple[int, int, int],
    most: int,
    overlap: float,
    score: float,
    offset: int,
    centred: int,
    dtype: str,
    overlap_bytes: int,
    seed: int,
) -> None:
    how = attributes(
        max_output_boxes_per_class=most,
        iou_threshold=overlap,
        score_threshold=score,
        offset=offset,
        center_point_box=centred,
    )
    check(kernels, *crowd(seed, *sizes, dtype, levels=seed % 9), how, overlap_bytes)


@pytest.mark.parametrize("sizes", [(0, 2, 5), (2, 0, 5), (2, 2, 0)])
def test_empty_tensors(kernels: Kernels, sizes: tuple[int, int, int]) -> None:
    boxes = np.zeros((sizes[0], sizes[2], 4), np.float32)
    assert suppressed(kernels, boxes, np.zeros(sizes, np.float32), attributes()).shape == (0, 3)


def test_a_workspace_never_shrinks_when_a_size_grows(kernels: Kernels) -> None:
    def size(images: int, classes: int, boxes: int) -> int:
        return kernels.status("workspace_bytes", *numbers((images, classes, boxes), attributes()))

    for grown in (
        [size(1, 1, boxes) for boxes in (1, 64, 65, 10_000, 32_000, 33_000, 100_000, 1_000_000)],
        [size(1, classes, 8400) for classes in (1, 2, 14, 15, 16, 80, 1000)],
    ):
        assert grown == sorted(grown)
    assert size(1, 1, 10_000) < 14 << 20
    assert size(1, 80, 8400) < 180 << 20
