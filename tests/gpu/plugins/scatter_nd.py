"""Replaced slices beside PyTorch's assignment by indices, and beside the bytes of a copy and of the updates."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]

from .bench import Bench, Tensors, Way
from .calls import bound, number

PLUGIN = "scatter_nd"
# Shape, axes that indices name, updates, what is wanted: that of the table, few rows, short slices, single elements.
CASES = (
    ((4096, 4096), 1, 2048, 0.85),
    ((4096, 4096), 1, 16, 0.85),
    ((1024, 1024, 16), 2, 1 << 19, 0.5),
    ((4096, 4096), 2, 1 << 20, 0.3),
)


def benches() -> Iterator[Bench]:
    """All cases in both types."""
    for shape, depth, count, wanted in CASES:
        for dtype in (torch.float32, torch.float16):
            yield _bench(shape, depth, count, dtype, wanted)


def _bench(shape: tuple[int, ...], depth: int, count: int, dtype: Any, wanted: float) -> Bench:
    named, each = shape[:depth], shape[depth:]
    slice_bytes = prod(each) * dtype.itemsize
    how = (count, depth, *named, *[1] * (8 - depth), slice_bytes)

    def made(seed: int) -> Tensors:
        torch.manual_seed(seed)
        flat = torch.randperm(prod(named), device="cuda")[:count]
        indices = torch.stack(torch.unravel_index(flat, named), -1).to(torch.int32).contiguous()
        data, updates = (torch.randn(size, device="cuda").to(dtype) for size in (shape, (count, *each)))
        return data, indices, updates

    def ours(inputs: Tensors) -> Way:
        output = torch.empty_like(inputs[0])
        space = number(PLUGIN, "scatter_workspace", *how)
        workspace = torch.empty(space, dtype=torch.uint8, device="cuda") if space else None
        launch = bound(PLUGIN, "scatter", *how, *inputs, output, workspace)

        def run() -> Any:
            launch()
            return output

        return run

    def theirs(data: Any, indices: Any, updates: Any) -> Any:
        output = data.clone()
        output[tuple(indices.unbind(-1))] = updates
        return output

    name = f"{count:,} slices of {'x'.join(map(str, each)) or '1'} in {'x'.join(map(str, shape))}"
    # A copy of all data and then the updates, as the table counts it; one pass moves less than that.
    least = 2 * (prod(shape) * dtype.itemsize + count * slice_bytes) + count * depth * 4
    return Bench(PLUGIN, name, dtype, made, ours, {"torch": theirs}, least, wanted_share=wanted)
