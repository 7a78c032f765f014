from __future__ import annotations

import numpy as np
import pytest

from worker.host.graph.numerics import difference

SHARE = 2e-5
WAVE = np.sin(np.arange(64, dtype=np.float32))


def test_equal_outputs_differ_by_nothing() -> None:
    assert difference({"y": WAVE}, {"y": WAVE.copy()}, 0.0) == (0.0, None)


def test_a_rounding_passes_and_is_told() -> None:
    moved = WAVE + np.float32(1e-6)
    largest, problem = difference({"y": WAVE}, {"y": moved}, SHARE)
    assert problem is None
    assert largest == pytest.approx(1e-6, rel=0.1)


def test_one_element_too_far_is_named() -> None:
    moved = WAVE.copy()
    moved[7] += 1e-3
    _, problem = difference({"y": WAVE}, {"y": moved}, SHARE)
    assert problem is not None
    assert problem.startswith("'y' differs in 1 of 64 elements: 0.656987 became 0.657987")


def test_a_small_probability_may_round_as_the_one_it_came_from() -> None:
    # Seen with silero-vad: folding a branch moved its only probability by 9e-8.
    before, after = np.array([[0.00014460086]], np.float32), np.array([[0.00014451146]], np.float32)
    assert difference({"p": before}, {"p": after}, SHARE)[1] is None
    assert difference({"p": before}, {"p": before * 1.1}, SHARE)[1] is not None


def test_half_precision_rounds_coarser() -> None:
    half = WAVE.astype(np.float16)
    moved = (half.astype(np.float32) + 2e-3).astype(np.float16)
    assert difference({"y": half}, {"y": moved}, SHARE)[1] is None
    assert difference({"y": half}, {"y": half + np.float16(0.5)}, SHARE)[1] is not None


def test_half_precision_between_inputs_and_outputs_counts_too() -> None:
    moved = WAVE + np.float32(2e-3)
    assert difference({"y": WAVE}, {"y": moved}, SHARE)[1] is not None
    assert difference({"y": WAVE}, {"y": moved}, SHARE, 2.0**-10)[1] is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (np.array([1, 2]), np.array([1, 3])),
        (np.array([True, False]), np.array([True, True])),
        (np.array([np.nan, 1.0]), np.array([0.0, 1.0])),
        (np.array([0.0, 1.0]), np.array([np.inf, 1.0])),
        (np.zeros((2, 3)), np.zeros((3, 2))),
        (np.zeros(3, np.float32), np.zeros(3, np.float64)),
    ],
    ids=["whole numbers", "truth values", "NaN gone", "infinity", "shape", "type"],
)
def test_what_is_no_rounding_is_refused(before: np.ndarray, after: np.ndarray) -> None:
    assert difference({"y": before}, {"y": after}, SHARE)[1] is not None


def test_nan_and_infinity_may_stay_where_they_are() -> None:
    odd = np.array([np.nan, np.inf, -np.inf, 1.0], np.float32)
    assert difference({"y": odd}, {"y": odd.copy()}, SHARE)[1] is None


def test_without_a_tolerance_only_lost_numbers_are_wrong() -> None:
    moved, nothing = difference({"y": WAVE}, {"y": WAVE + np.float32(0.5)}, None)
    assert moved == pytest.approx(0.5, rel=1e-6)
    assert nothing is None
    lost = WAVE.copy()
    lost[3] = np.inf
    _, problem = difference({"y": WAVE}, {"y": lost}, None)
    assert problem == "'y' became NaN or infinite in 1 of 64 elements"
    assert difference({"y": lost}, {"y": lost}, None) == (0.0, None)
    assert difference({"y": WAVE}, {"y": WAVE.astype(np.float16)}, None)[1] is not None
