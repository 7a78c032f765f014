"""Grid sampling beside PyTorch's, on smooth grids and on grids that jump about."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]

from tests.plugins.grid_sampler.calls import MODES, PADDINGS, attributes, numbers

from .bench import Bench, Tensors, Way
from .calls import bound, number

PLUGIN = "grid_sampler"


@dataclass(frozen=True)
class Case:
    """An input, how it is sampled, and what is wanted; the grid has the sizes of the input."""

    image: tuple[int, ...]
    smooth: bool
    wanted: float
    mode: str = "bilinear"
    padding: str = "zeros"


# Those of the table; another mode; few channels; a volume; a small image.
CASES = (
    Case((8, 64, 256, 256), True, 2.0),
    Case((8, 64, 256, 256), False, 1.5),
    Case((8, 64, 256, 256), True, 1.0, "bicubic", "reflection"),
    Case((8, 64, 256, 256), False, 1.0, "nearest", "border"),
    Case((8, 3, 512, 512), True, 1.0),
    Case((2, 32, 32, 96, 96), True, 1.0),
    Case((2, 32, 32, 96, 96), False, 1.0),
    Case((1, 256, 32, 32), False, 1.0),
)


def benches() -> Iterator[Bench]:
    """All cases in both types."""
    for case in CASES:
        for dtype in (torch.float32, torch.float16):
            yield _bench(case, dtype)


def made_grid(image: tuple[int, ...], smooth: bool, seed: int) -> Any:
    """On the card: every place for itself, or the places of the elements, turned a little and bent."""
    torch.manual_seed(seed)
    axes = len(image) - 2
    shape = (image[0], *image[2:], axes)
    if not smooth:
        return torch.rand(shape, device="cuda") * 2 - 1
    turn = torch.eye(axes, axes + 1, device="cuda") + 0.02 * torch.randn((image[0], axes, axes + 1), device="cuda")
    grid = torch.nn.functional.affine_grid(turn, list(image), align_corners=False)
    return grid + 0.01 * torch.sin(grid.flip(-1) * 6)


def bound_sampler(inputs: Tensors, how: dict[str, int]) -> Way:
    """The launch for an input and a grid, with output and workspace made before."""
    image, grid = inputs
    y = torch.empty((*image.shape[:2], *grid.shape[1:-1]), dtype=image.dtype, device="cuda")
    told = numbers(tuple(image.shape), tuple(grid.shape), how)
    space = number(PLUGIN, "workspace_bytes", *told, image.element_size())
    workspace = torch.empty(space, dtype=torch.uint8, device="cuda") if space else None
    launch = bound(PLUGIN, "run_half" if image.dtype == torch.float16 else "run_float", *told, *inputs, y, workspace)

    def run() -> Any:
        launch()
        return y

    return run


def torch_sampled(image: Any, grid: Any, how: dict[str, int]) -> Any:
    """PyTorch's answer."""
    return torch.nn.functional.grid_sample(
        image,
        grid,
        mode=MODES[how["interpolation_mode"]],
        padding_mode=PADDINGS[how["padding_mode"]],
        align_corners=bool(how["align_corners"]),
    )


def _bench(case: Case, dtype: Any) -> Bench:
    how = attributes(case.mode, case.padding)

    def made(seed: int) -> Tensors:
        grid = made_grid(case.image, case.smooth, seed)
        return torch.randn(case.image, device="cuda").to(dtype), grid.to(dtype)

    told = f"{'smooth' if case.smooth else 'random'} grid, {case.mode}, {case.padding}"
    places = case.image[0] * prod(case.image[2:]) * (len(case.image) - 2)
    return Bench(
        PLUGIN,
        f"{'x'.join(map(str, case.image))}, {told}",
        dtype,
        made,
        lambda inputs: bound_sampler(inputs, how),
        {"torch": lambda image, grid: torch_sampled(image, grid, how)},
        (2 * prod(case.image) + places) * dtype.itemsize,
        case.wanted,
    )
