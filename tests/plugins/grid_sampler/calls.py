"""The operator by its kernels, wherever they run."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.plugins.cpu.kernels import Kernels, Output, Scratch

Array = Any

MODES = ("bilinear", "nearest", "bicubic")
PADDINGS = ("zeros", "border", "reflection")
SYMBOLS = {"float32": "run_float", "float16": "run_half"}
# As in kernel.hpp.
LARGE_FROM = 1 << 22


def attributes(mode: str = "bilinear", padding: str = "zeros", align: int = 0, legacy: int = 0) -> dict[str, int]:
    """Those of an operator, as a graph has them."""
    how = {"interpolation_mode": MODES.index(mode), "padding_mode": PADDINGS.index(padding)}
    return {**how, "align_corners": align, "legacy": legacy}


def numbers(
    image: tuple[int, ...], grid: tuple[int, ...], how: dict[str, int], large_from: int = LARGE_FROM
) -> tuple[int, ...]:
    """Sizes and attributes as the binding takes them."""
    axes = len(image) - 2
    sizes = (*image[:2], axes, *([1] if axes == 2 else []), *image[2:], int(np.prod(grid[1:-1])), grid[-2])
    return (*sizes, *how.values(), large_from)


def grid_sampler(
    kernels: Kernels, image: Array, grid: Array, how: dict[str, int], large_from: int = LARGE_FROM
) -> Array:
    """What the kernels give."""
    told = numbers(image.shape, grid.shape, how, large_from)
    size = kernels.status("workspace_bytes", *told, image.itemsize)
    workspace = Scratch(size) if size else None
    output = Output((*image.shape[:2], *grid.shape[1:-1]), image.dtype)
    return kernels.call(SYMBOLS[image.dtype.name], *told, image, grid, output, workspace, None)[0]


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
