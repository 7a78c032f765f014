"""Deformable-DETR in PyTorch, with the parameter names of the original, so that weights of its files fit.

For images of one size, without padding, on four maps of ResNet-50; boxes may be refined layer by layer.
"""
# mypy: disable-error-code="misc,import-not-found"

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from farm.detect.kinds import KINDS

from .base import Exporter, ExportOrder, Size
from .deformable import LEVELS, WIDTH, Maps, Transformer, moved
from .detr import sine_places
from .operators import DOMAIN, VERSION
from .order import NATIVE, PLUGIN
from .resnet import Features

Tensor = Any

_QUERIES, _CLASSES, _LAYERS = 300, 91, 6
_GIVEN = (512, 1024, 2048)
_GROUPS = 32


class Boxes(nn.Module):
    """Three linear layers to a box, before the sigmoid."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((WIDTH, WIDTH), (WIDTH, WIDTH), (WIDTH, 4))
        self.layers = nn.ModuleList(nn.Linear(given, made) for given, made in sizes)

    def forward(self, x: Tensor) -> Tensor:
        """Centre, width and height."""
        return self.layers[2](functional.relu(self.layers[1](functional.relu(self.layers[0](x)))))


class DeformableDetr(nn.Module):
    """Images to classes and boxes of 300 queries."""

    def __init__(self, refinement: bool = False, by_plugin: bool = False) -> None:
        super().__init__()
        joined = nn.Module()
        joined.body = Features()
        self.backbone = nn.Sequential(joined)
        self.input_proj = nn.ModuleList(
            [_projected(given, 1) for given in _GIVEN] + [_projected(_GIVEN[-1], 3) for _ in range(LEVELS - 3)]
        )
        self.query_embed = nn.Embedding(_QUERIES, 2 * WIDTH)
        self.transformer = Transformer()
        heads = _LAYERS if refinement else 1
        classes, boxes = [nn.Linear(WIDTH, _CLASSES) for _ in range(heads)], [Boxes() for _ in range(heads)]
        # Without refinement the layers share theirs, and a file of weights has it under the name of each.
        self.class_embed = nn.ModuleList(classes * (_LAYERS // heads))
        self.bbox_embed = nn.ModuleList(boxes * (_LAYERS // heads))
        if refinement:
            self.transformer.decoder.bbox_embed = self.bbox_embed
        self._by_plugin = by_plugin

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and boxes."""
        taken = self.backbone[0].body.maps(images)[1:]
        taken = [project(x) for project, x in zip(self.input_proj, (*taken, taken[-1]), strict=True)]
        # Numbers, and no questions to a tensor: the file is for one size.
        sizes = [(int(x.shape[-2]), int(x.shape[-1])) for x in taken]
        levels = [
            sine_places(*size, x.device, shift=0.5).to(x) + embedding
            for size, x, embedding in zip(sizes, taken, self.transformer.level_embed, strict=True)
        ]
        memory = torch.cat([x.flatten(2).transpose(1, 2) for x in taken], 1)
        queries = self.query_embed.weight.unsqueeze(0).expand(images.shape[0], -1, -1)
        found, around = self.transformer(memory, torch.cat(levels, 1), queries, Maps(sizes, self._by_plugin))
        return self.class_embed[-1](found), moved(self.bbox_embed[-1](found), around)


class DeformableDetrExporter(Exporter):
    """Deformable-DETR with ResNet-50, at the size of a camera's image."""

    size = Size(1280, 1920)
    outputs = ("classes", "boxes")
    detection = KINDS["deformable-detr"].usual
    # How many pixels there are is decided when it is exported.
    sizes_are_fixed = True
    forms = (NATIVE, PLUGIN)
    refines = True

    def build_torch_model(self, order: ExportOrder) -> Any:
        """The network, its weights drawn."""
        return DeformableDetr(order.refinement, order.form == PLUGIN)

    def custom_opset(self) -> Mapping[str, int]:
        """The domain of the farm's plugins."""
        return {DOMAIN: VERSION}


def _projected(given: int, kernel: int) -> nn.Sequential:
    conv = nn.Conv2d(given, WIDTH, kernel, 2 if kernel > 1 else 1, kernel // 2)
    nn.init.xavier_uniform_(conv.weight)
    nn.init.zeros_(conv.bias)
    return nn.Sequential(conv, nn.GroupNorm(_GROUPS, WIDTH))
