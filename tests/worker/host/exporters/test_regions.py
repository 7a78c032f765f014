"""Each form of an operator computes the same: in PyTorch, with ONNX Runtime, and by the twin of a plugin."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from tests.support import pytorch
from worker.host.exporters.writing import Interface, write
from worker.host.runtime import run

pytestmark = pytest.mark.slow

Torch = Any
SIZES = [(6, 8), (3, 4)]


@pytest.fixture(scope="module", autouse=True)
def torch() -> Torch:
    return pytorch.torch(os.environ, exporters=True)


def computed(torch: Torch, path: Path, function: Callable[..., Any], *given: Any) -> tuple[Any, Any, set[str]]:
    """What PyTorch gives, what the written graph gives, and the graph's types of operators."""

    class Network(torch.nn.Module):  # type: ignore[misc]
        def forward(self, *arguments: Any) -> Any:
            return function(*arguments)

    names = tuple(f"x{number}" for number in range(len(given)))
    write(Network(), given, path, Interface(names, ("y",), {}, {"farm.plugin": 1}), "tracer")
    inputs = {name: value.numpy() for name, value in zip(names, given, strict=True)}
    kinds = {node.op_type for node in onnx.load(str(path)).graph.node}
    return function(*given).numpy(), run(path, inputs)["y"], kinds


def boxes(torch: Torch, images: int, count: int) -> Any:
    low = torch.rand(images, count, 2) * torch.tensor([40.0, 30.0])
    return torch.cat((low, low + 1 + torch.rand(images, count, 2) * torch.tensor([23.0, 17.0])), -1)


@pytest.mark.parametrize(
    ("form", "kind"), [("native", "RoiAlign"), ("plugin", "MMCVRoiAlign"), ("sampled", "GridSample")]
)
def test_what_lies_in_boxes(torch: Torch, tmp_path: Path, form: str, kind: str) -> None:
    from worker.host.exporters.regions import pooled

    torch.manual_seed(5)
    given = torch.randn(2, 5, 12, 16), boxes(torch, 2, 9)
    wanted = pooled(*given, 0.25, 7, "native").numpy()
    in_torch, in_onnx, kinds = computed(torch, tmp_path / "m.onnx", lambda x, b: pooled(x, b, 0.25, 7, form), *given)
    assert kind in kinds
    assert wanted.std() > 0.1
    np.testing.assert_allclose(in_torch, wanted, atol=1e-5)
    np.testing.assert_allclose(in_onnx, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("form", "kind"), [("native", "NonMaxSuppression"), ("plugin", "TRTNonMaxSuppression"), ("sampled", "MatMul")]
)
@pytest.mark.parametrize("most", [4, 1000])
def test_the_best_boxes_are_marked(torch: Torch, tmp_path: Path, form: str, kind: str, most: int) -> None:
    from worker.host.exporters.regions import Best

    torch.manual_seed(6)
    given = boxes(torch, 2, 60), torch.rand(2, 60), torch.randint(3, (2, 60))
    best = Best(most, 0.3, 0.2, form)
    in_torch, in_onnx, kinds = computed(torch, tmp_path / "m.onnx", lambda b, s, c: best.marked(b, s, c, 3), *given)
    assert kind in kinds
    assert in_torch.shape == (2, 60)
    np.testing.assert_array_equal(in_onnx, in_torch)
    # Boxes of one class, as if there were no others.
    for image, number in product(range(2), range(3)):
        mine = (given[2][image] == number).nonzero()[:, 0]
        alone = best.marked(given[0][image : image + 1, mine], given[1][image : image + 1, mine])[0].numpy()
        assert 2 <= alone.sum() <= most
        assert alone.sum() < len(mine)
        np.testing.assert_array_equal(in_torch[image][mine.numpy()], alone)
    assert not in_torch[given[1].numpy() <= 0.2].any()
    np.testing.assert_array_equal(in_torch, Best(most, 0.3, 0.2, "native").marked(*given, 3).numpy())


@pytest.mark.parametrize("form", ["native", "sampled"])
def test_two_boxes_that_overlap_a_little_less_than_too_much_stay_in_any_class(torch: Torch, form: str) -> None:
    """Of a real image: moved to a place of their own for their class, as is usual, floats say 0.7000045."""
    from worker.host.exporters.regions import Best

    two = torch.tensor(
        [
            [1051.8121337890625, 451.1844177246094, 1088.0, 548.6213989257812],
            [1051.4759521484375, 434.4246826171875, 1088.0, 531.7548217773438],
        ]
    )
    marks = Best(2, 0.7, 0.0, form).marked(two[None], torch.tensor([[0.9, 0.8]]), torch.tensor([[76, 76]]), 90)
    assert marks.tolist() == [[1, 1]]


def test_deformable_attention_by_plugin_and_with_grid_sample(torch: Torch, tmp_path: Path) -> None:
    from worker.host.exporters.deformable import Maps

    torch.manual_seed(7)
    pixels = sum(rows * columns for rows, columns in SIZES)
    given = torch.randn(2, pixels, 3, 4), torch.rand(2, 5, 3, 2, 4, 2) * 1.4 - 0.2, torch.rand(2, 5, 3, 2, 4)
    wanted = Maps(SIZES, by_plugin=False).seen(*given).numpy()
    for by_plugin, kind in ((False, "GridSample"), (True, "MMCVMultiScaleDeformableAttention")):
        maps = Maps(SIZES, by_plugin)
        in_torch, in_onnx, kinds = computed(torch, tmp_path / "m.onnx", maps.seen, *given)
        assert kind in kinds
        np.testing.assert_allclose(in_torch, wanted, atol=1e-5)
        np.testing.assert_allclose(in_onnx, wanted, atol=1e-5)
    assert wanted.shape == (2, 5, 12)
