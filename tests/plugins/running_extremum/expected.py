"""What cummax and cummin should give, and what counts as the same."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

import numpy as np

from tests.support import pytorch

Array = Any


def parts(array: Array, dim: int) -> tuple[int, ...]:
    """Outer, length, inner."""
    axis = dim % array.ndim
    return tuple(int(np.prod(part)) for part in (array.shape[:axis], array.shape[axis], array.shape[axis + 1 :]))


def same(found: list[Array], expected: list[Array]) -> None:
    """Values by their bits, but any NaN for any other; places as they are."""
    np.testing.assert_array_equal(found[1], expected[1])
    np.testing.assert_array_equal(found[0], expected[0])
    if found[0].dtype.kind == "f":
        real = ~np.isnan(found[0])
        np.testing.assert_array_equal(np.signbit(found[0])[real], np.signbit(expected[0])[real])


def by_pytorch(name: str, array: Array, dim: int) -> list[Array]:
    torch = pytorch.torch(os.environ)
    values, places = getattr(torch, name)(torch.from_numpy(array), dim)
    return [values.numpy(), places.numpy().astype(np.int32)]


def by_reference(name: str, array: Array, dim: int, legacy: bool) -> list[Array]:
    found: list[Array] = import_module(f"plugins.{name}.reference").reference([array], {"dim": dim, "legacy": legacy})
    return found
