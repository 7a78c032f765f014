"""Inputs of deformable attention, and the form of it that PyTorch's own sampler computes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..cpu.kernels import Kernels, Output

Array = Any


@dataclass(frozen=True)
class Case:
    """Sizes: rows and columns of each level, and how much there is of everything else."""

    levels: tuple[tuple[int, int], ...] = ((7, 5), (4, 3))
    images: int = 2
    queries: int = 5
    heads: int = 3
    channels: int = 32
    points: int = 4

    @property
    def pixels(self) -> int:
        """Of all levels."""
        return sum(rows * columns for rows, columns in self.levels)

    def inputs(self, dtype: Any = np.float32, seed: int = 0) -> list[Array]:
        """[value, sizes and starts of levels, sampling locations, attention weights]; some places lie outside."""
        draw = np.random.default_rng(seed)
        each = (self.images, self.queries, self.heads, len(self.levels), self.points)
        starts = np.cumsum([0] + [rows * columns for rows, columns in self.levels[:-1]])
        return [
            draw.standard_normal((self.images, self.pixels, self.heads, self.channels)).astype(dtype),
            np.array(self.levels, np.int32),
            starts.astype(np.int32),
            draw.uniform(-0.2, 1.2, (*each, 2)).astype(dtype),
            draw.uniform(0, 1, each).astype(dtype),
        ]


def computed(kernels: Kernels, case: Case, inputs: list[Array]) -> Array:
    """What the kernels give: [images, queries, heads * channels]."""
    dtype = inputs[0].dtype
    sizes = (case.images, case.pixels, case.heads, case.channels, case.queries, len(case.levels), case.points)
    output = Output((case.images, case.queries, case.heads * case.channels), dtype)
    symbol = "run_half" if dtype == np.float16 else "run_float"
    (found,) = kernels.call(symbol, *sizes, *inputs, output, None)
    return found


def by_torch(torch: Any, inputs: list[Array]) -> Array:
    """The same from `grid_sample`, a level after the other, as models without a kernel of their own compute it."""
    value, sizes, starts, places, shares = inputs
    value, places, shares = (torch.from_numpy(array.astype(np.float64)) for array in (value, places, shares))
    images, _, heads, channels = value.shape
    queries, points = places.shape[1], places.shape[4]
    total = torch.zeros(images * heads, channels, queries, dtype=torch.float64)
    for level, (rows, columns) in enumerate(sizes.tolist()):
        held = value[:, starts[level] : starts[level] + rows * columns]
        image = held.permute(0, 2, 3, 1).reshape(images * heads, channels, rows, columns)
        grid = (2 * places[:, :, :, level] - 1).transpose(1, 2).reshape(images * heads, queries, points, 2)
        picked = torch.nn.functional.grid_sample(image, grid, align_corners=False)
        share = shares[:, :, :, level].transpose(1, 2).reshape(images * heads, 1, queries, points)
        total += (picked * share).sum(-1)
    return total.reshape(images, heads * channels, queries).transpose(1, 2).numpy()
