"""The operator by its kernels, wherever they run."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.plugins.cpu.kernels import Kernels, Output, Scratch

Array = Any

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")
# As in kernel.hpp.
COPIES_FROM = 1 << 22


def attributes(mode: str = "bilinear", padding: str = "zeros", align: int = 0, legacy: int = 0) -> dict[str, int]:
    """Those of an operator, as a graph has them."""
    how = {"interpolation_mode": MODES.index(mode), "padding_mode": PADDINGS.index(padding)}
    return {**how, "align_corners": align, "legacy": legacy}


def told(image: tuple[int, ...], grid: tuple[int, ...], how: dict[str, int], copies_from: int = COPIES_FROM) -> Array:
    """Sizes and attributes as the binding takes them."""
    axes = len(image) - 2
    sizes = [*image[:2], axes, *([1] if axes == 2 else []), *image[2:], int(np.prod(grid[1:-1]))]
    return np.array([*sizes, *how.values(), copies_from], np.int64)


def grid_sampler(
    kernels: Kernels, image: Array, grid: Array, how: dict[str, int], copies_from: int = COPIES_FROM
) -> Array:
    """What the kernels give."""
    numbers = told(image.shape, grid.shape, how, copies_from)
    (size,) = kernels.call("grid_sampler_workspace", numbers, image.itemsize, Output((1,), np.int64))
    workspace = Scratch(int(size[0])) if size[0] else None
    output = Output((*image.shape[:2], *grid.shape[1:-1]), image.dtype)
    return kernels.call(f"grid_sampler_{image.dtype.name}", image, grid, output, workspace, numbers, None)[0]


def torch_answer(torch: Any, image: Array, grid: Array, how: dict[str, int]) -> Array:
    """PyTorch's answer on the processor, in float32."""
    found = torch.nn.functional.grid_sample(
        torch.from_numpy(image.astype(np.float32)),
        torch.from_numpy(grid.astype(np.float32)),
        mode=MODES[how["interpolation_mode"]],
        padding_mode=PADDINGS[how["padding_mode"]],
        align_corners=bool(how["align_corners"]),
    )
    return found.numpy()
