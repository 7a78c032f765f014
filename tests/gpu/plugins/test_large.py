"""What a processor cannot show of the kernels that wait for memory: tensors past 2^31 elements, and CUDA graphs."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
import torch  # type: ignore[import-not-found,unused-ignore]

from .calls import bound, number

Tensor = Any


@pytest.fixture(autouse=True)
def _nothing_of_the_last_test_is_held() -> None:
    torch.cuda.empty_cache()


def filled(*shape: int, whole: bool = True) -> Tensor:
    """Float16: small whole numbers, so that there are ties, or normal ones. Made on the card, in place."""
    torch.manual_seed(prod(shape))
    empty = torch.empty(shape, dtype=torch.float16, device="cuda")
    return empty.random_(-100, 100) if whole else empty.normal_()


def cummax(array: Tensor, dim: int) -> tuple[Any, Tensor, Tensor]:
    """The launch, and where it writes."""
    sizes = prod(array.shape[:dim]), array.shape[dim], prod(array.shape[dim + 1 :])
    values, places = torch.empty_like(array), torch.empty(array.shape, dtype=torch.int32, device="cuda")
    space = number("cummax", "workspace_bytes", *sizes)
    workspace = torch.empty(space, dtype=torch.uint8, device="cuda") if space else None
    launch = bound("cummax", "run_half", array, values, places, workspace, *sizes, 0)

    def run(_held: Any = workspace) -> None:
        launch()

    return run, values, places


@pytest.mark.parametrize(
    ("shape", "dim"),
    [
        pytest.param((5, (1 << 29) + 3), 1, id="rows of tiles that wait for each other"),
        pytest.param((600, 3_600_001), 1, id="a block for each row"),
        pytest.param((70_000, 40_000), 0, id="columns of tiles that wait for each other"),
        pytest.param((2, 8, (1 << 27) + 5), 1, id="a thread for each column"),
        pytest.param((1 << 26, 33), 1, id="a few lanes for each row"),
    ],
)
def test_scans(shape: tuple[int, ...], dim: int) -> None:
    array = filled(*shape)
    run, values, places = cummax(array, dim)
    run()
    # Some lines of it, first and last among them: PyTorch's places take twice the memory of all of this.
    across = 1 - dim if len(shape) == 2 else 2
    step = max(1, shape[across] // 7)
    for line in [*range(0, shape[across], step), shape[across] - 1]:
        expected = array.select(across, line).contiguous().cummax(dim - (across < dim))
        assert torch.equal(values.select(across, line), expected.values), line
        assert torch.equal(places.select(across, line), expected.indices.int()), line


def test_planes() -> None:
    array = filled(9, 64, (1 << 22) + 1, whole=False)
    scale, bias = filled(64, whole=False), filled(64, whole=False)
    output = torch.empty_like(array)
    sizes = tuple(array.shape)
    space = torch.empty(max(1, number("mmcv_instance_norm", "instance_norm_workspace", *sizes)), device="cuda")
    symbol = "instance_norm_float16"
    bound("mmcv_instance_norm", symbol, array, scale, bias, output, *sizes, 1e-5, space)()
    for sample in (0, 4, 8):
        wide = [item.double() for item in (array[sample : sample + 1, -3:], scale[-3:], bias[-3:])]
        expected = torch.nn.functional.instance_norm(wide[0], weight=wide[1], bias=wide[2])
        torch.testing.assert_close(output[sample : sample + 1, -3:].double(), expected, rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize(("columns", "depth"), [(16, 1), (1, 2)], ids=["in one pass", "in turn"])
def test_slices(columns: int, depth: int) -> None:
    rows = ((1 << 31) + 4096) // 16
    data = filled(rows, 16)
    count = rows // 4
    flat = torch.randperm(rows, device="cuda")[:count]
    indices = torch.stack([flat, flat % 16][:depth], -1).int()
    updates = filled(count, columns)
    output = torch.empty_like(data)
    how = (count, depth, rows, 16 if depth == 2 else 1, *[1] * 6, columns * 2)
    space = torch.empty(max(1, number("scatter_nd", "scatter_workspace", *how)), dtype=torch.uint8, device="cuda")
    bound("scatter_nd", "scatter", *how, data, indices, updates, output, space)()
    if depth == 1:
        data[flat] = updates
    else:
        data[flat, flat % 16] = updates[:, 0]
    assert torch.equal(output, data)


@pytest.mark.parametrize(("shape", "dim"), [((3, 100_001), 1), ((5_000, 70), 0)])
def test_a_graph_runs_again_with_other_inputs(shape: tuple[int, int], dim: int) -> None:
    """What tiles tell each other is cleared inside the graph."""
    array = filled(*shape)
    run, values, places = cummax(array, dim)
    run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    for seed in range(3):
        array.copy_(torch.randn(shape, generator=torch.Generator().manual_seed(seed)))
        graph.replay()
        expected = array.cummax(dim)
        assert torch.equal(values, expected.values)
        assert torch.equal(places, expected.indices.int())
