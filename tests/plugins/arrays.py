"""Arrays that find mistakes: ties, signed zeros, infinities, and what is not a number."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = Any
UNUSUAL = (0.0, -0.0, np.inf, -np.inf, np.nan)


def eventful(shape: tuple[int, ...], dtype: Any, seed: int = 0, unusual: float = 0.05) -> Array:
    """Small whole numbers, so that there are ties; `unusual` is the share of zeros, infinities and NaN among floats."""
    random = np.random.default_rng(seed)
    array = random.integers(-20, 20, shape).astype(dtype)
    if np.dtype(dtype).kind == "f":
        chosen = random.choice(np.array(UNUSUAL, dtype), shape)
        array = np.where(random.random(shape) < unusual, chosen, array)
    return array


def ordinary(shape: tuple[int, ...], dtype: Any, seed: int = 0) -> Array:
    """A normal distribution around zero."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)
