"""Results of a plugin held against its reference, within what its `plugin.toml` allows."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from farm.plugins.manifest import read_manifest

Array = Any
_PLUGINS = Path(__file__).parents[2] / "plugins"


@cache
def tolerance(plugin: str) -> dict[str, float]:
    """Of its `plugin.toml`, by element type."""
    return read_manifest((_PLUGINS / plugin / "plugin.toml").read_bytes()).tolerance


def check(found: Sequence[Array], wanted: Sequence[Array], plugin: str) -> None:
    """As many arrays, of the same shapes and types; whole numbers are equal, others within the tolerance.

    Raises: AssertionError
    """
    assert len(found) == len(wanted)
    for got, said in zip(found, wanted):
        assert (got.shape, got.dtype) == (said.shape, said.dtype)
        limit = tolerance(plugin)[str(got.dtype)] if got.dtype.kind == "f" else 0
        np.testing.assert_allclose(got.astype(np.float64), said.astype(np.float64), rtol=limit, atol=limit)
