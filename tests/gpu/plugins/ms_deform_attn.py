"""Deformable attention beside the form of it that models compute with `grid_sample`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]

from .bench import Bench, Tensors, Way
from .calls import bound

# An image of 1280 by 1920, as Deformable DETR cuts it.
LEVELS = ((160, 240), (80, 120), (40, 60), (20, 30))
PIXELS = sum(rows * columns for rows, columns in LEVELS)
HEADS, CHANNELS, POINTS = 8, 32, 4


def benches() -> Iterator[Bench]:
    """An encoder's queries, one for each pixel, and a decoder's."""
    for queries, wanted in ((PIXELS, 8.0), (300, 4.0)):
        for dtype in (torch.float32, torch.float16):
            yield _bench(queries, wanted, dtype)


def _bench(queries: int, wanted: float, dtype: Any) -> Bench:
    made = [item.numel() * item.element_size() for item in _made(queries, dtype, 0)]
    least = sum(made) + queries * HEADS * CHANNELS * dtype.itemsize
    if queries < PIXELS:  # fewer places than there are pixels
        least -= max(0, made[0] - queries * HEADS * len(LEVELS) * POINTS * 4 * CHANNELS * dtype.itemsize)

    def ours(inputs: Tensors) -> Way:
        y = torch.empty((1, queries, HEADS * CHANNELS), dtype=dtype, device="cuda")
        numbers = (1, PIXELS, HEADS, CHANNELS, queries, len(LEVELS), POINTS)
        symbol = "run_half" if dtype == torch.float16 else "run_float"
        launch = bound("ms_deform_attn", symbol, *numbers, *inputs, y)

        def run() -> Any:
            launch()
            return y

        return run

    name = f"{queries:,} queries, 8 heads of 32, 4 levels of 1280x1920, 4 points"
    others = {"grid_sample": _by_grid_sample, **_of_transformers()}
    return Bench("ms_deform_attn", name, dtype, lambda seed: _made(queries, dtype, seed), ours, others, least, wanted)


def _made(queries: int, dtype: Any, seed: int) -> Tensors:
    """Places around those of the queries, some tens of pixels far, as learned offsets are."""
    torch.manual_seed(seed)
    sizes = torch.tensor(LEVELS, dtype=torch.int32, device="cuda")
    counts = sizes.prod(1)
    starts = (counts.cumsum(0) - counts).to(torch.int32)
    centres = torch.cat([_centres(*level) for level in LEVELS]) if queries == PIXELS else torch.rand(queries, 2).cuda()
    each = (1, queries, HEADS, len(LEVELS), POINTS)
    offsets = torch.randn((*each, 2), device="cuda") * 3 / sizes.flip(1)[:, None]
    places = centres[None, :, None, None, None] + offsets
    shares = torch.rand(each, device="cuda").flatten(-2).softmax(-1).reshape(each)
    value = torch.randn((1, PIXELS, HEADS, CHANNELS), device="cuda")
    return value.to(dtype), sizes, starts, places.to(dtype), shares.to(dtype)


def _centres(rows: int, columns: int) -> Any:
    """Of the pixels of a level, from 0 to 1, row after row."""
    y, x = torch.meshgrid(torch.arange(rows, device="cuda"), torch.arange(columns, device="cuda"), indexing="ij")
    return torch.stack(((x + 0.5) / columns, (y + 0.5) / rows), -1).reshape(-1, 2)


def _by_grid_sample(value: Any, sizes: Any, starts: Any, places: Any, shares: Any) -> Any:
    """The form of MMCV and of `transformers`: each level sampled by itself, stacked, weighted and summed."""
    images, queries = places.shape[:2]
    grids = 2 * places - 1
    sampled = []
    for level, held in enumerate(value.split([rows * columns for rows, columns in LEVELS], dim=1)):
        image = held.flatten(2).transpose(1, 2).reshape(images * HEADS, CHANNELS, *LEVELS[level])
        grid = grids[:, :, :, level].transpose(1, 2).flatten(0, 1)
        sampled.append(torch.nn.functional.grid_sample(image, grid, align_corners=False))
    weights = shares.transpose(1, 2).reshape(images * HEADS, 1, queries, len(LEVELS) * POINTS)
    total = (torch.stack(sampled, dim=-2).flatten(-2) * weights).sum(-1)
    return total.reshape(images, HEADS * CHANNELS, queries).transpose(1, 2).contiguous()


def _of_transformers() -> dict[str, Any]:
    """The module of `transformers`, where it is installed."""
    try:
        from transformers.models.deformable_detr import (  # type: ignore[import-not-found,unused-ignore]
            modeling_deformable_detr as module,
        )

        attention = module.MultiScaleDeformableAttention()
    except (ImportError, AttributeError):
        return {}
    levels = list(LEVELS)
    return {"transformers": lambda value, sizes, starts, *rest: attention(value, sizes, levels, starts, *rest, 64)}
