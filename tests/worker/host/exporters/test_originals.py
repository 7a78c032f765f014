"""Weights of the originals fit: the names and shapes of their state dictionaries are those of the networks here.

The digests were made from the originals' own code: facebookresearch/detr, fundamentalvision/Deformable-DETR,
ultralytics/yolov5 (7) and torchvision 0.28, whose outputs with the same weights were the same, too.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from farm.protocol.errors import Invalid
from tests.support import pytorch
from worker.host.exporters.base import Exporter, ExportOrder
from worker.host.exporters.table import exporter

pytestmark = pytest.mark.slow

Torch = Any

ORIGINALS = {
    "detr-r50": (False, 458, "01f0ab8e837e85aedd7dc8791ece86221adacfa94566d69d04365767b2a394f9"),
    "deformable-detr": (False, 561, "6c9d8c8328464e3f56b3d41df53d4e6173e5570946c6fa4ba2373d00e43542a9"),
    "deformable-detr, refined": (True, 597, "158c54dc580cea97ae692c1e64e8bec7131bab6a09c93a6f8c20771ae6fc339d"),
    "mask-rcnn": (False, 307, "fac6a17b4d4c2bb9d5e146f819901db1c851d1084c41b81a77f766468726d1c5"),
    "yolov5l": (False, 512, "09b95a438aab5df2ddf3c536e30caae3b1665c9c68a4db8e51b26cd4d0def302"),
}


@pytest.fixture(scope="module", autouse=True)
def torch() -> Torch:
    return pytorch.torch(os.environ, exporters=True)


@pytest.mark.parametrize("name", ORIGINALS)
def test_names_and_shapes_are_those_of_the_original(name: str) -> None:
    refined, count, digest = ORIGINALS[name]
    # A file that is not there: nothing is drawn twice, and nothing is read before the network is filled.
    order = ExportOrder(refinement=refined, weights=Path("original.pth"))
    state = exporter(name.partition(",")[0]).build_torch_model(order).state_dict()
    kept = {key: value for key, value in state.items() if not key.endswith("num_batches_tracked")}
    lines = sorted(f"{key} {tuple(value.shape)}" for key, value in kept.items())
    assert len(lines) == count
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == digest


class Tiny(Exporter):
    """A network of one convolution, with the names that another exporter reads."""

    def __init__(self, like: str, *names: str) -> None:
        self._like, self._names = exporter(like), names

    def build_torch_model(self, order: ExportOrder) -> Any:
        from torch import nn  # type: ignore[import-not-found]

        root = nn.Module()
        for name in self._names:
            at = root
            *path, _ = name.split(".")
            for part in path[:-1]:
                if not hasattr(at, part):
                    at.add_module(part, nn.Module())
                at = getattr(at, part)
            at.add_module(path[-1], nn.Linear(2, 2, bias=False))
        return root

    def adapt_weights(self, state: dict[str, Any]) -> dict[str, Any]:
        return self._like.adapt_weights(state)


@pytest.mark.parametrize(
    ("like", "of_the_file", "of_the_network"),
    [
        ("yolov5l", "model.0.conv.weight", "model.0.conv.weight"),
        ("yolov5l", "model.model.model.0.conv.weight", "model.0.conv.weight"),
        ("yolov5l", "module.model.0.conv.weight", "model.0.conv.weight"),
        ("mask-rcnn", "backbone.fpn.inner_blocks.2.weight", "backbone.fpn.inner_blocks.2.0.weight"),
        ("mask-rcnn", "rpn.head.conv.weight", "rpn.head.conv.0.0.weight"),
        ("mask-rcnn", "roi_heads.mask_head.mask_fcn3.weight", "roi_heads.mask_head.2.0.weight"),
        ("detr-r50", "class_embed.weight", "class_embed.weight"),
    ],
)
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_names_of_files_become_names_of_networks(
    torch: Torch, tmp_path: Path, like: str, of_the_file: str, of_the_network: str, suffix: str
) -> None:
    from safetensors.torch import save_file  # type: ignore[import-not-found]

    given, path = {of_the_file: torch.tensor([[1.0, 2.0], [3.0, 4.0]]).half()}, tmp_path / f"weights{suffix}"
    if suffix == ".pth":
        torch.save({"model": given}, path)
    else:
        save_file(given, path)
    network, told = Tiny(like, of_the_network).network(ExportOrder(weights=path))
    assert told.startswith("sha256 ")
    (weight,) = network.parameters()
    assert weight.tolist() == [[1.0, 2.0], [3.0, 4.0]]


def test_a_computed_part_of_older_files_is_left_out(torch: Torch, tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save({"model.0.weight": torch.zeros(2, 2), "model.24.anchor_grid": torch.zeros(3)}, path)
    Tiny("yolov5l", "model.0.weight").network(ExportOrder(weights=path))


def test_weights_of_a_network_that_refines_are_those_of_another(torch: Torch, tmp_path: Path) -> None:
    made, path = exporter("deformable-detr"), tmp_path / "weights.pth"
    for saved, wanted in ((True, False), (False, True)):
        state = made.build_torch_model(ExportOrder(refinement=saved)).state_dict()
        torch.save({"model": state}, path)
        with pytest.raises(Invalid, match="those of another network"):
            made.network(ExportOrder(refinement=wanted, weights=path))


def test_a_file_that_holds_no_safetensors_is_told(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    path.write_bytes(b"no tensors")
    with pytest.raises(Invalid, match="holds no safetensors"):
        exporter("super-resolution").network(ExportOrder(weights=path))
