"""Deformable convolutions beside torchvision's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]

from tests.plugins.deform_conv.cases import Case

from .bench import Bench, Tensors, Way
from .calls import bound, number

# The case of the table; a later level of a detector; groups; a small one, where few tiles must fill the card.
CASES = {
    "8x256x100x152, 256 out, 3x3": (Case((8, 256, 100, 152), 256, attributes={"padding": (1, 1)}, mask=True), 3.0),
    "8x512x25x38, 512 out, 3x3": (Case((8, 512, 25, 38), 512, attributes={"padding": (1, 1)}, mask=True), 3.0),
    "2x256x50x76, 256 out, 3x3, 4 deform groups": (
        Case((2, 256, 50, 76), 256, attributes={"padding": (1, 1), "deform_groups": 4}, mask=True),
        3.0,
    ),
    "1x256x25x38, 256 out, 3x3": (Case((1, 256, 25, 38), 256, attributes={"padding": (1, 1)}, mask=True), 3.0),
}
# Where offsets come from: near, as a trained network's, and anywhere.
REACHES = {"offsets of a pixel": 1.0, "offsets of 20 pixels": 20.0}


def benches() -> Iterator[Bench]:
    """All cases, in float32 with and without TF32, and float16; the first case with far offsets, too."""
    for name, (case, wanted) in CASES.items():
        for dtype, tf32 in ((torch.float32, False), (torch.float32, True), (torch.float16, False)):
            for told, reach in REACHES.items():
                if reach == 1.0 or name.startswith("8x256"):
                    yield _bench(f"{name}, {told}{', TF32' if tf32 else ''}", case, wanted, dtype, tf32, reach)


def _bench(name: str, case: Case, wanted: float, dtype: Any, tf32: bool, reach: float) -> Bench:
    output = (case.x[0], case.out, *case.rows_and_columns)
    sizes = [torch.Size(output), *(item.shape for item in _made(case, dtype, reach, 0, "meta"))]
    plugin = "mmcv_modulated_deform_conv2d"

    def ours(inputs: Tensors) -> Way:
        x, offset, mask, weight = inputs
        y = torch.empty(output, dtype=dtype, device="cuda")
        space = number(plugin, "workspace_bytes", case.numbers, dtype.itemsize)
        workspace = torch.empty(space, dtype=torch.uint8, device="cuda")
        symbol = "run_half" if dtype == torch.float16 else "run_float"
        launch = bound(plugin, symbol, case.numbers, x, offset, mask, weight, None, y, int(tf32), workspace)

        def run() -> Any:
            launch()
            return y

        return run

    def theirs(x: Any, offset: Any, mask: Any, weight: Any) -> Any:
        from torchvision.ops import deform_conv2d  # type: ignore[import-not-found,import-untyped,unused-ignore]

        return deform_conv2d(x, offset, weight, padding=case.pair("padding"), mask=mask)

    return Bench(
        plugin,
        name,
        dtype,
        lambda seed: _made(case, dtype, reach, seed, "cuda"),
        ours,
        {"torchvision": theirs},
        sum(size.numel() for size in sizes) * dtype.itemsize,
        wanted,
        tf32=tf32,
    )


def _made(case: Case, dtype: Any, reach: float, seed: int, device: str) -> Tensors:
    taps = case.kernel[0] * case.kernel[1]
    torch.manual_seed(seed)
    where = case.rows_and_columns
    per_group = case.x[1] // case.groups
    shapes = (case.x, (case.x[0], case.parts * taps * 2, *where), (case.x[0], case.parts * taps, *where))
    x, offset, mask = (torch.randn(shape, device=device, dtype=dtype) for shape in shapes)
    weight = torch.randn((case.out, per_group, *case.kernel), device=device, dtype=dtype) / (per_group * taps) ** 0.5
    return x, offset * reach, mask.sigmoid(), weight
