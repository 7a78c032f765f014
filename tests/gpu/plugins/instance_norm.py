"""Instance normalization beside PyTorch's, and beside the bytes that it must move."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]

from .bench import Bench, Tensors, Way
from .calls import bound, number

PLUGIN = "mmcv_instance_norm"
# That of the table; planes that fit twice, small ones, a few large ones, and some that begin anywhere.
CASES = (
    ((16, 64, 256, 256), 0.75),
    ((64, 64, 128, 128), 0.75),
    ((256, 512, 16, 16), 0.6),
    ((1, 3, 4096, 4096), 0.5),
    ((16, 64, 255, 257), 0.6),
)


def benches() -> Iterator[Bench]:
    """All cases in both types."""
    for shape, wanted in CASES:
        for dtype in (torch.float32, torch.float16):
            yield _bench(shape, dtype, wanted)


def _bench(shape: tuple[int, ...], dtype: Any, wanted: float) -> Bench:
    sizes = shape[0], shape[1], prod(shape[2:])

    def made(seed: int) -> Tensors:
        torch.manual_seed(seed)
        channels = shape[1]
        tensors = torch.randn(shape, device="cuda"), torch.rand(channels) + 0.5, torch.randn(channels)
        return tuple(item.cuda().to(dtype) for item in tensors)

    def ours(inputs: Tensors) -> Way:
        output = torch.empty_like(inputs[0])
        space = number(PLUGIN, "instance_norm_workspace", *sizes)
        workspace = torch.empty(space, dtype=torch.uint8, device="cuda") if space else None
        symbol = f"instance_norm_{str(dtype).split('.')[-1]}"
        launch = bound(PLUGIN, symbol, *inputs, output, *sizes, 1e-5, workspace)

        def run() -> Any:
            launch()
            return output

        return run

    def theirs(array: Any, scale: Any, bias: Any) -> Any:
        return torch.nn.functional.instance_norm(array, weight=scale, bias=bias)

    name = "x".join(map(str, shape))
    least = 2 * prod(shape) * dtype.itemsize
    return Bench(PLUGIN, name, dtype, made, ours, {"torch": theirs}, least, wanted_share=wanted)
