from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from farm.runtime.verify.substance import insubstantial, magnitude


def told(values: Any, dtype: Any = np.float32) -> Any:
    array = np.asarray(values, dtype=dtype)
    return insubstantial(array, magnitude(array)) or ""


def softmax(logits: Any) -> Any:
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (np.zeros(16), "constant"),
        (np.full(16, 3.25), "constant"),
        (1 + 1e-8 * np.arange(16), "constant"),
        (np.full(4, np.nan), "finite"),
        (1 / (1 + np.exp(-50 * np.array([-3, -2, 2, 3, 4, 5, 1, -1.0]))), "saturated"),
        (np.tanh(40 * np.array([-3, -2, 2, 3, 4, 5, 1, -1.0])), "saturated"),
        (np.clip(100 * np.linspace(-1, 1, 16), 0, 6), "saturated"),
        (softmax(np.array([60.0, *range(10)])), "saturated"),
        ([1.0], "saturated"),
        ([0.0], "saturated"),
    ],
)
def test_references_that_prove_nothing(values: Any, reason: str) -> None:
    assert reason in told(values)


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).standard_normal(16),
        softmax(np.random.default_rng(0).standard_normal(1000)),
        [0.0112],
        [0.25, 0.75],
        1e-9 * np.arange(1, 9),
        np.maximum(np.random.default_rng(0).standard_normal(64), 0),
        [np.nan, 1.0, 2.0],
    ],
)
def test_references_that_prove_something(values: Any) -> None:
    assert told(values) == ""


def test_truth_values_and_whole_numbers_have_two_ends_by_nature() -> None:
    assert told([True, False] * 8, bool) == ""
    assert told([0, 1] * 8, np.int64) == ""
    assert "constant" in told([5] * 8, np.int64)


def test_magnitude_has_no_overflow() -> None:
    assert magnitude(np.array([1e200, -1e200])).rms == pytest.approx(1e200)
    assert magnitude(np.array([3.0, -4.0, np.inf])).rms == pytest.approx(np.sqrt(12.5))
    assert magnitude(np.zeros(0)).count == 0
