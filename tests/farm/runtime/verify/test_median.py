from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from farm.runtime.verify.median import median


def chunked(values: Any, size: Any) -> Any:
    return lambda: (values[start : start + size] for start in range(0, len(values), size))


@pytest.mark.parametrize("count", [1, 2, 3, 10, 1000, 1001])
@pytest.mark.parametrize("gathered", [1, 7, 1 << 20])
@pytest.mark.parametrize("kind", ["uniform", "ties", "tiny", "huge", "zeros"])
def test_median_is_exact_however_little_may_be_gathered(count: int, gathered: Any, kind: str) -> None:
    draw = np.random.default_rng(count)
    values = {
        "uniform": draw.random(count),
        "ties": draw.integers(0, 3, count).astype(float),
        "tiny": draw.random(count) * 1e-310,
        "huge": draw.random(count) * 1e308,
        "zeros": np.where(draw.random(count) < 0.5, -0.0, 0.0),
    }[kind]
    assert median(chunked(values, 64), count, gathered) == pytest.approx(float(np.median(values)), rel=1e-15)


def test_passes_end_when_few_enough_are_left() -> None:
    values = np.random.default_rng(0).random(5000)
    passes = []

    def chunks() -> Any:
        passes.append(1)
        return iter([values])

    median(chunks, 5001 - 1, gathered=1 << 12)
    assert len(passes) <= 4
