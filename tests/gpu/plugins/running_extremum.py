"""cummax and cummin beside PyTorch's, and beside the bytes that they must move."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]

from .bench import Bench, Tensors, Way
from .calls import bound, number

# Those of the table, with what is wanted of the bandwidth of a copy; then a single long row, rows that begin anywhere,
# and three long columns.
CASES = (
    ((64, 1 << 20), 1, 0.8),
    ((4096, 4096), 1, 0.75),
    ((4096, 4096), 0, 0.75),
    ((32, 80, 100, 152), 1, 0.75),
    ((1, 1 << 26), 1, 0.75),
    ((4099, 4099), 1, 0.6),
    ((1 << 22, 3), 0, 0.3),
)
SYMBOLS = {torch.float32: "run_float", torch.float16: "run_half"}


def benches() -> Iterator[Bench]:
    """All cases of cummax in both types, and one of cummin."""
    for shape, dim, wanted in CASES:
        for dtype in SYMBOLS:
            yield _bench("cummax", shape, dim, dtype, wanted)
    yield _bench("cummin", *CASES[0][:2], torch.float32, CASES[0][2])


def _bench(plugin: str, shape: tuple[int, ...], dim: int, dtype: Any, wanted: float) -> Bench:
    sizes = prod(shape[:dim]), shape[dim], prod(shape[dim + 1 :])

    def made(seed: int) -> Tensors:
        torch.manual_seed(seed)
        return (torch.randn(shape, device="cuda").to(dtype),)

    def ours(inputs: Tensors) -> Way:
        values = torch.empty_like(inputs[0])
        places = torch.empty(shape, dtype=torch.int32, device="cuda")
        space = number(plugin, "workspace_bytes", *sizes)
        workspace = torch.empty(space, dtype=torch.uint8, device="cuda") if space else None
        launch = bound(plugin, SYMBOLS[dtype], inputs[0], values, places, workspace, *sizes, 0)

        def run() -> Any:
            launch()
            return values

        return run

    def theirs(array: Any) -> Any:
        return getattr(torch, plugin)(array, dim).values

    name = f"{'x'.join(map(str, shape))}, axis {dim}"
    least = prod(shape) * (2 * dtype.itemsize + 4)
    return Bench(plugin, name, dtype, made, ours, {"torch": theirs}, least, wanted_share=wanted)
