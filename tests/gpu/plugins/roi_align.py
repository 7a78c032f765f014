"""RoiAlign beside torchvision's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import torch  # type: ignore[import-not-found,unused-ignore]

from tests.plugins.mmcv_roi_align.calls import attributes, numbers

from .bench import Bench, Tensors, Way
from .calls import bound, number

PLUGIN = "mmcv_roi_align"


@dataclass(frozen=True)
class Case:
    """Features, rois and what is wanted; rois are of 16 to `largest` pixels of an image four times as large."""

    features: tuple[int, ...]
    rois: int
    bins: int
    sampling: int
    largest: float
    wanted: float


# That of the table; small rois as of a lower level; as many samples as a bin is long; masks; few rois on one image.
CASES = (
    Case((2, 256, 200, 304), 1000, 7, 2, 512, 3.0),
    Case((2, 256, 200, 304), 1000, 7, 2, 112, 3.0),
    Case((2, 256, 200, 304), 1000, 7, 0, 512, 2.0),
    Case((2, 256, 200, 304), 200, 14, 2, 512, 2.0),
    Case((1, 256, 50, 76), 100, 7, 2, 800, 1.0),
)


def benches() -> Iterator[Bench]:
    """All cases in both types."""
    for case in CASES:
        for dtype in (torch.float32, torch.float16):
            yield _bench(case, dtype)


def made_rois(count: int, features: tuple[int, ...], largest: float, seed: int) -> Any:
    """On the card, in pixels of the image; sizes are spread evenly over their logarithms."""
    torch.manual_seed(seed)
    height, width = 4 * features[2], 4 * features[3]
    sizes = 16 * (largest / 16) ** torch.rand((count, 2), device="cuda")
    middles = torch.rand((count, 2), device="cuda") * torch.tensor([width, height], device="cuda")
    images = torch.randint(features[0], (count, 1), device="cuda").float()
    return torch.cat([images, middles - sizes / 2, middles + sizes / 2], 1)


def _bench(case: Case, dtype: Any) -> Bench:
    how = attributes(output_height=case.bins, output_width=case.bins, spatial_scale=0.25, sampling_ratio=case.sampling)
    output = (case.rois, case.features[1], case.bins, case.bins)

    def made(seed: int) -> Tensors:
        rois = made_rois(case.rois, case.features, case.largest, seed)
        return torch.randn(case.features, device="cuda").to(dtype), rois.to(dtype)

    def ours(inputs: Tensors) -> Way:
        y = torch.empty(output, dtype=dtype, device="cuda")
        symbol = "run_half" if dtype == torch.float16 else "run_float"
        told = numbers(case.features, case.rois, how)
        space = number(PLUGIN, "workspace_bytes", *told)
        workspace = torch.empty(space, dtype=torch.uint8, device="cuda") if space else None
        launch = bound(PLUGIN, symbol, *told, *inputs, y, workspace)

        def run() -> Any:
            launch()
            return y

        return run

    def theirs(features: Any, rois: Any) -> Any:
        from torchvision.ops import roi_align  # type: ignore[import-not-found,import-untyped,unused-ignore]

        return roi_align(features, rois, case.bins, 0.25, case.sampling or -1, aligned=True)

    size = "x".join(map(str, case.features))
    sampling = case.sampling or "any"
    name = f"{size}, {case.rois} rois to {case.largest:g} pixels, {case.bins}x{case.bins}, sampling {sampling}"
    least = (prod(case.features) + prod(output) + case.rois * 5) * dtype.itemsize
    return Bench(PLUGIN, name, dtype, made, ours, {"torchvision": theirs}, least, case.wanted)
