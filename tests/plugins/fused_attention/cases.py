"""Inputs of attention, and how the kernels are called with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..cpu.kernels import Kernels, Output

Array = Any


@dataclass(frozen=True)
class Case:
    """Sizes.

    Attributes:
        joined: One tensor holds queries, keys and values, side by side in each row; then there are as many of each.
        rows_first: The batch is the second axis.
    """

    queries: int = 40
    keys: int = 70
    channels: int = 32
    heads: int = 2
    batch: int = 2
    joined: bool = False
    rows_first: bool = False

    @property
    def width(self) -> int:
        """Of all heads."""
        return self.heads * self.channels

    @property
    def attributes(self) -> dict[str, Any]:
        """As a node has them."""
        return {
            "num_heads": self.heads,
            "head_size": self.channels,
            "scale": float(np.float32(self.channels**-0.5)),
            "offsets": [0, self.width, 2 * self.width] if self.joined else [0, 0, 0],
            "sequence_first": int(self.rows_first),
        }

    @property
    def numbers(self) -> tuple[tuple[int, ...], float]:
        """As the binding takes them: sizes, and the scale."""
        widths = [self.width * (3 if self.joined else 1)] * 3
        keys = self.queries if self.joined else self.keys
        told = self.attributes
        sizes = (self.batch, self.queries, keys, self.heads, self.channels)
        return (*sizes, *widths, *told["offsets"], told["sequence_first"]), told["scale"]

    def shape(self, rows: int, width: int) -> tuple[int, int, int]:
        """Of a tensor with so many rows."""
        return (rows, self.batch, width) if self.rows_first else (self.batch, rows, width)

    def inputs(self, dtype: Any = np.float32, seed: int = 0) -> list[Array]:
        """[query, key, value]; the same array three times where they are joined."""
        draw = np.random.default_rng(seed)
        if self.joined:
            return [draw.standard_normal(self.shape(self.queries, 3 * self.width)).astype(dtype)] * 3
        rows = (self.queries, self.keys, self.keys)
        return [draw.standard_normal(self.shape(count, self.width)).astype(dtype) for count in rows]


def computed(kernels: Kernels, case: Case, inputs: list[Array]) -> Array:
    """What the kernels give, of the shape of the queries."""
    dtype = inputs[0].dtype
    output = Output(case.shape(case.queries, case.width), dtype)
    symbol = "run_half" if dtype == np.float16 else "run_float"
    (found,) = kernels.call(symbol, *case.numbers, *inputs, output, None)
    return found
