"""RoiAlign, grid sampling and suppression on the card: as PyTorch and torchvision, in CUDA graphs, and very large."""

from __future__ import annotations

from typing import Any

import pytest
import torch  # type: ignore[import-not-found,unused-ignore]

from tests.plugins.grid_sampler import calls as grids
from tests.plugins.mmcv_roi_align import calls as rois_of
from tests.plugins.non_max_suppression import calls as suppression

from .bench import Way
from .calls import bound, number
from .grid_sampler import bound_sampler, made_grid, torch_sampled
from .non_max_suppression import bound_suppression, made_boxes, torchvision_rows
from .roi_align import made_rois

TOLERANCE = {torch.float32: 5e-5, torch.float16: 4e-3}


def close(found: Any, wanted: Any, dtype: Any) -> None:
    torch.testing.assert_close(found, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype], equal_nan=True)


def aligned(features: Any, rois: Any, how: dict[str, Any]) -> Way:
    """The launch for features and rois, with the output made before."""
    bins = (how["output_height"], how["output_width"])
    y = torch.empty((len(rois), features.shape[1], *bins), dtype=features.dtype, device="cuda")
    symbol = "run_half" if features.dtype == torch.float16 else "run_float"
    told = rois_of.numbers(tuple(features.shape), len(rois), how)
    space = number("mmcv_roi_align", "workspace_bytes", *told)
    workspace = torch.empty(space, dtype=torch.uint8, device="cuda") if space else None
    launch = bound("mmcv_roi_align", symbol, *told, features, rois, y, workspace)

    def run() -> Any:
        launch()
        return y

    return run


def replayed(way: Way) -> Any:
    """What a CUDA graph of the launch gives, captured over outputs that were spoiled before."""
    output = way()
    wanted = output.clone()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        way()
    output.fill_(-7)
    for _ in range(2):
        graph.replay()
    torch.cuda.synchronize()
    torch.testing.assert_close(output, wanted, rtol=0, atol=0, equal_nan=True)
    return output


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("is_aligned", [0, 1])
@pytest.mark.parametrize("sampling", [0, 1, 2, 3, 40])
@pytest.mark.parametrize("features", [(2, 5, 33, 47), (1, 64, 100, 152), (3, 7, 200, 304)])
def test_rois_are_as_torchvision(features: tuple[int, ...], sampling: int, is_aligned: int, dtype: Any) -> None:
    from torchvision.ops import roi_align  # type: ignore[import-not-found,import-untyped,unused-ignore]

    maps = torch.randn(features, device="cuda", dtype=dtype)
    rois = made_rois(77, features, 4 * features[2], sampling).to(dtype)
    how = rois_of.attributes(output_height=5, spatial_scale=0.25, sampling_ratio=sampling, aligned=is_aligned)
    # In float32, since torchvision's own float16 adds up in float16.
    wanted, exact = (
        roi_align(maps.to(wide), rois.to(wide), (5, 7), 0.25, sampling or -1, aligned=bool(is_aligned))
        for wide in (torch.float32, torch.float64)
    )
    found = aligned(maps, rois, how)()
    if dtype == torch.float16:
        close(found, wanted.half(), dtype)
    else:
        # Between elements that differ much, the last bit of a coordinate is worth more than the tolerance, theirs and
        # ours: but ours is no farther from the exact value than theirs may be.
        theirs = (wanted - exact).abs().max()
        assert (found - exact).abs().max() <= max(2 * float(theirs), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("smooth", [True, False])
@pytest.mark.parametrize("align", [0, 1])
@pytest.mark.parametrize("padding", grids.PADDINGS)
@pytest.mark.parametrize("mode", grids.MODES)
def test_grids_are_as_pytorch(mode: str, padding: str, align: int, smooth: bool, dtype: Any) -> None:
    for size in ((2, 65, 250, 263), (2, 40, 20, 31, 44)):
        if mode == "bicubic" and len(size) == 5:
            continue
        image = torch.randn(size, device="cuda", dtype=dtype)
        grid = (made_grid(size, smooth, 1) * 1.2).to(dtype)
        how = grids.attributes(mode, padding, align)
        found = bound_sampler((image, grid), how)()
        wanted = torch_sampled(image.float(), grid.float(), how).to(dtype)
        if mode == "nearest":  # a place between two elements hangs on the last bit
            assert ((found - wanted).abs() > 0.01).float().mean() < 1e-3
        else:
            # A last bit of a coordinate is worth more where elements are many.
            torch.testing.assert_close(found, wanted, rtol=4e-3, atol=4e-3 if dtype == torch.float16 else 1e-3)


@pytest.mark.parametrize("padding", grids.PADDINGS)
@pytest.mark.parametrize("mode", grids.MODES[:2])
def test_places_that_are_no_numbers_are_as_with_pytorch_on_a_card(mode: str, padding: str) -> None:
    odd = torch.tensor([float("nan"), float("inf"), -float("inf"), 0.3, 1.0, -1.0], device="cuda")
    grid = torch.cartesian_prod(odd, odd).reshape(1, 6, 6, 2)
    image = torch.randn((1, 3, 5, 7), device="cuda")
    how = grids.attributes(mode, padding)
    close(bound_sampler((image, grid), how)(), torch_sampled(image, grid, how), torch.float32)


@pytest.mark.parametrize("count", [1, 63, 64, 65, 1000, 10_000, 40_000])
@pytest.mark.parametrize("overlap", [0.1, 0.5, 0.9])
def test_boxes_are_suppressed_as_by_torchvision(overlap: float, count: int) -> None:
    boxes, scores = made_boxes(1, 1, count, count)
    how = suppression.attributes(iou_threshold=overlap)
    found = bound_suppression((boxes, scores), how)()
    wanted = torchvision_rows(boxes, scores, how)
    kept = found[found[:, 0] >= 0][:, 2].long()
    torch.testing.assert_close(kept, wanted)
    assert (found[len(kept) :] == -1).all()


def test_everything_fits_a_cuda_graph() -> None:
    features = torch.randn((2, 16, 64, 64), device="cuda")
    replayed(aligned(features, made_rois(50, (2, 16, 64, 64), 128, 1), rois_of.attributes()))
    for smooth in (True, False):
        image = torch.randn((2, 64, 256, 256), device="cuda")
        replayed(bound_sampler((image, made_grid((2, 64, 256, 256), smooth, 1)), grids.attributes()))
    # Captured with one grid and replayed with another, the card itself chooses how to sample.
    grid = made_grid((2, 64, 256, 256), True, 1)
    way = bound_sampler((image, grid), grids.attributes())
    way()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = way()
    grid.copy_(made_grid((2, 64, 256, 256), False, 2))
    graph.replay()
    torch.cuda.synchronize()
    torch.testing.assert_close(output, torch_sampled(image, grid, grids.attributes()), rtol=1e-3, atol=1e-3)
    replayed(bound_suppression(made_boxes(2, 3, 5000, 1), suppression.attributes()))


@pytest.mark.slow
def test_outputs_of_more_than_two_to_the_31_elements() -> None:
    if torch.cuda.mem_get_info()[0] < 40 << 30:
        pytest.skip("needs 40 GiB of the card")
    image = torch.randn((1, 2100, 16, 16), device="cuda", dtype=torch.float16)
    grid = (torch.rand((1, 1024, 1024, 2), device="cuda") * 2 - 1).half()
    how = grids.attributes()
    found = bound_sampler((image, grid), how)()
    for channel in (0, 1023, 2047, 2048, 2099):
        wanted = torch_sampled(image[:, channel : channel + 1].float(), grid.float(), how).half()
        close(found[:, channel : channel + 1], wanted, torch.float16)
    del found
    features = torch.randn((1, 512, 64, 64), device="cuda", dtype=torch.float16)
    rois = made_rois(90_000, (1, 512, 64, 64), 100, 1).half()
    # More than fit at once are walked by the same blocks.
    found = aligned(features, rois, rois_of.attributes(spatial_scale=0.25, sampling_ratio=2))()
    last = aligned(features, rois[-100:], rois_of.attributes(spatial_scale=0.25, sampling_ratio=2))()
    torch.testing.assert_close(found[-100:], last, rtol=0, atol=0)
