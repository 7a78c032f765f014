"""The networks that are measured, in PyTorch: for their ONNX files and for the runtimes they are held against."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

Network = Any


def resnet50() -> tuple[Network, tuple[int, ...]]:
    """ResNet-50 with drawn weights: its speed does not depend on them."""
    import torch  # type: ignore[import-not-found]
    from torchvision.models import resnet50 as made  # type: ignore[import-not-found]

    torch.manual_seed(0)
    return made(weights=None).eval(), (1, 3, 224, 224)


NETWORKS: dict[str, Callable[[], tuple[Network, tuple[int, ...]]]] = {"resnet50": resnet50}


def export(name: str, folder: Path) -> Path:
    """The ONNX file of a network, made once."""
    import torch

    path = folder / f"{name}.onnx"
    if not path.exists():
        network, shape = NETWORKS[name]()
        part = path.with_suffix(".part")
        torch.onnx.export(
            network,
            (torch.randn(shape),),
            str(part),
            dynamo=False,
            opset_version=17,
            input_names=["images"],
            output_names=["logits"],
        )
        part.rename(path)
    return path
