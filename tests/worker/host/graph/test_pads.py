from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from worker.host.graph.walk import histogram

from .stepping import Net, same, stepped

X = np.arange(1, 25, dtype=np.float32).reshape(1, 2, 3, 4)


def net(borders: list[int], fill: bool = False, **attributes: str) -> Net:
    node = helper.make_node("Pad", ["x", "borders", *(["fill"] if fill else [])], ["y"], **attributes)
    weights = {"borders": np.array(borders), "fill": np.float32(7)}
    return Net([node], {"x": X}, weights, {"y": "float32"})


@pytest.mark.parametrize(
    ("borders", "fill", "pieces"),
    [([0, 1, 0, 0, 0, 0, 0, 0], False, 1), ([1, 1, 0, 2, 0, 3, 1, 0], True, 4), ([0, 0, 0, 0, 2, 0, 0, 0], True, 1)],
)
def test_borders_of_other_axes_are_put_beside(borders: list[int], fill: bool, pieces: int, tmp_path: Path) -> None:
    one = net(borders, fill)
    changed = stepped(one, "pads")
    assert histogram(changed) == {"Concat": pieces}
    same(one, changed, tmp_path)


@pytest.mark.parametrize("borders", [[0, 0, 1, 1, 0, 0, 1, 1], [0, -1, 0, 0, 0, 0, 0, 0], [0] * 8], ids=str)
def test_borders_of_images_stay(borders: list[int]) -> None:
    assert stepped(net(borders), "pads") == net(borders).model()


def test_mirrored_borders_stay() -> None:
    one = net([0, 1, 0, 0, 0, 0, 0, 0], mode="reflect")
    assert stepped(one, "pads") == one.model()
