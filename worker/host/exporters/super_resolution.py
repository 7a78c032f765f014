"""The small super-resolution network of PyTorch's tutorial: sub-pixel convolutions make an image three times as large.

With the names, shapes and open batch of the tutorial's file, so that its weights fit.
"""
# mypy: disable-error-code="misc,import-not-found"

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .base import Exporter, ExportOrder, Size

Tensor = Any

_FACTOR, _WIDTH = 3, 64


class SuperResolution(nn.Module):
    """The brightness of an image to that of one three times as high and wide."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, _WIDTH, 5, padding=2)
        self.conv2 = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)
        self.conv3 = nn.Conv2d(_WIDTH, _WIDTH // 2, 3, padding=1)
        self.conv4 = nn.Conv2d(_WIDTH // 2, _FACTOR * _FACTOR, 3, padding=1)
        for conv in (self.conv1, self.conv2, self.conv3):
            nn.init.orthogonal_(conv.weight, nn.init.calculate_gain("relu"))
        nn.init.orthogonal_(self.conv4.weight)

    def forward(self, x: Tensor) -> Tensor:
        """N x 1 x H x W to N x 1 x 3H x 3W."""
        for conv in (self.conv1, self.conv2, self.conv3):
            x = functional.relu(conv(x))
        return functional.pixel_shuffle(self.conv4(x), _FACTOR)


class SuperResolutionExporter(Exporter):
    """Super-resolution with a batch of any size."""

    size = Size(224, 224)
    inputs, outputs = ("input",), ("output",)
    batch_is_open = True

    def build_torch_model(self, order: ExportOrder) -> Any:
        """The network, its weights drawn."""
        return SuperResolution()

    def prepare_sample_inputs(self, batch: int, size: Size) -> tuple[Any, ...]:
        """Brightness from 0 to 1."""
        return (torch.rand(batch, 1, size.height, size.width),)
