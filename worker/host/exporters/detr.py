"""DETR-R50 in PyTorch, with the parameter names of the original, so that weights of its files fit.

For images of one size, without padding: the mask of the original is all zeros then, and what it does to the places of
the map is a constant.
"""
# mypy: disable-error-code="misc,import-not-found"

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from farm.detect.kinds import KINDS

from .base import Exporter, ExportOrder, Size
from .resnet import Features

Tensor = Any

_WIDTH, _HEADS, _INNER, _LAYERS, _QUERIES, _CLASSES = 256, 8, 2048, 6, 100, 92
_TEMPERATURE = 10000
_FUSED = "fused attention"


class Attention(nn.Module):
    """Attention with several heads.

    Args:
        fused: Through PyTorch's own scaled_dot_product_attention; else in products and a softmax, as ONNX has them.
    """

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.in_proj_weight = nn.Parameter(torch.empty(3 * _WIDTH, _WIDTH))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * _WIDTH))
        self.out_proj = nn.Linear(_WIDTH, _WIDTH)
        self._fused = fused

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Of N x queries x width, and N x keys x width twice."""
        q, k, v = (self._projected(x, place) for place, x in enumerate((queries, keys, values)))
        if self._fused:
            mixed = functional.scaled_dot_product_attention(q, k, v)
        else:
            scores = (q * (_WIDTH // _HEADS) ** -0.5) @ k.transpose(-1, -2)
            mixed = scores.softmax(-1) @ v
        # Sizes that are numbers, and no questions to a tensor, become numbers in the file, too.
        return self.out_proj(mixed.transpose(1, 2).reshape(-1, queries.shape[1], _WIDTH))

    def _projected(self, x: Tensor, place: int) -> Tensor:
        rows = slice(place * _WIDTH, (place + 1) * _WIDTH)
        made = functional.linear(x, self.in_proj_weight[rows], self.in_proj_bias[rows])
        return made.reshape(-1, x.shape[1], _HEADS, _WIDTH // _HEADS).transpose(1, 2)


class _Layer(nn.Module):
    """What a layer of the encoder and one of the decoder share: attention to itself, and two linear layers."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.self_attn = Attention(fused)
        self.linear1, self.linear2 = nn.Linear(_WIDTH, _INNER), nn.Linear(_INNER, _WIDTH)
        self.norm1, self.norm2 = nn.LayerNorm(_WIDTH), nn.LayerNorm(_WIDTH)

    def _attend(self, x: Tensor, places: Tensor) -> Tensor:
        placed = x + places
        return self.norm1(x + self.self_attn(placed, placed, x))

    def _feed(self, x: Tensor) -> Tensor:
        return self.linear2(functional.relu(self.linear1(x)))


class EncoderLayer(_Layer):
    """A layer of the encoder."""

    def forward(self, x: Tensor, places: Tensor) -> Tensor:
        """The map once more."""
        x = self._attend(x, places)
        return self.norm2(x + self._feed(x))


class DecoderLayer(_Layer):
    """A layer of the decoder: it attends to what the encoder made, too."""

    def __init__(self, fused: bool) -> None:
        super().__init__(fused)
        self.multihead_attn = Attention(fused)
        self.norm3 = nn.LayerNorm(_WIDTH)

    def forward(self, x: Tensor, places: Tensor, memory: Tensor, placed_memory: Tensor) -> Tensor:
        """The queries once more."""
        x = self._attend(x, places)
        x = self.norm2(x + self.multihead_attn(x + places, placed_memory, memory))
        return self.norm3(x + self._feed(x))


class Decoder(nn.Module):
    """Its layers, and a norm after the last."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DecoderLayer(fused) for _ in range(_LAYERS))
        self.norm = nn.LayerNorm(_WIDTH)


class Transformer(nn.Module):
    """Encoder and decoder."""

    def __init__(self, fused: bool) -> None:
        super().__init__()
        self.encoder = nn.Module()
        self.encoder.layers = nn.ModuleList(EncoderLayer(fused) for _ in range(_LAYERS))
        self.decoder = Decoder(fused)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)

    def forward(self, memory: Tensor, places: Tensor, queries: Tensor) -> Tensor:
        """What the queries found."""
        for layer in self.encoder.layers:
            memory = layer(memory, places)
        placed = memory + places
        found = torch.zeros_like(queries)
        for layer in self.decoder.layers:
            found = layer(found, queries, memory, placed)
        return self.decoder.norm(found)


class Boxes(nn.Module):
    """Three linear layers to a box."""

    def __init__(self) -> None:
        super().__init__()
        sizes = ((_WIDTH, _WIDTH), (_WIDTH, _WIDTH), (_WIDTH, 4))
        self.layers = nn.ModuleList(nn.Linear(given, made) for given, made in sizes)

    def forward(self, x: Tensor) -> Tensor:
        """Centre, width and height, as shares of the image."""
        x = functional.relu(self.layers[1](functional.relu(self.layers[0](x))))
        return self.layers[2](x).sigmoid()


class Detr(nn.Module):
    """DETR with ResNet-50: images to classes and boxes of 100 queries."""

    def __init__(self, fused: bool = False) -> None:
        super().__init__()
        joined = nn.Module()
        joined.body = Features()
        self.backbone = nn.Sequential(joined)
        self.input_proj = nn.Conv2d(2048, _WIDTH, 1)
        self.query_embed = nn.Embedding(_QUERIES, _WIDTH)
        self.transformer = Transformer(fused)
        self.class_embed, self.bbox_embed = nn.Linear(_WIDTH, _CLASSES), Boxes()

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Logits and boxes."""
        features = self.input_proj(self.backbone[0].body(images))
        height, width = features.shape[-2:]
        places = sine_places(height, width, features.device).to(features)
        queries = self.query_embed.weight.unsqueeze(0).expand(features.shape[0], -1, -1)
        found = self.transformer(features.flatten(2).transpose(1, 2), places, queries)
        return self.class_embed(found), self.bbox_embed(found)


def sine_places(height: int, width: int, device: Any, shift: float = 0.0) -> Tensor:
    """Sines and cosines of every place of a map: 1 x (height x width) x 256.

    Args:
        height: Of the map.
        width: Of the map.
        device: Where they are computed: what is copied to a card each time would make PyTorch look slow.
        shift: How much of a pixel before its end its place is.
    """
    half = _WIDTH // 2
    steps = torch.arange(half // 2, dtype=torch.float32, device=device)
    speeds = _TEMPERATURE ** (2 * steps / half)

    def along(size: int) -> Tensor:
        shares = (torch.arange(1, size + 1, dtype=torch.float32, device=device) - shift) / (size + 1e-6) * (2 * math.pi)
        angles = shares[:, None] / speeds
        return torch.stack((angles.sin(), angles.cos()), -1).flatten(1)

    rows = along(height)[:, None].expand(-1, width, -1)
    columns = along(width)[None].expand(height, -1, -1)
    return torch.cat((rows, columns), -1).flatten(0, 1).unsqueeze(0)


class DetrExporter(Exporter):
    """DETR with ResNet-50, at the size of a camera's image."""

    size = Size(1280, 1920)
    outputs = ("classes", "boxes")
    detection = KINDS["detr"].usual
    # Places are computed for one size, so that the file has one.
    sizes_are_fixed = True

    def build_torch_model(self, order: ExportOrder) -> Any:
        """The network, its weights drawn."""
        return Detr(fused=order.way == _FUSED)

    def ways(self) -> tuple[str, ...]:
        """With attention in products and a softmax, and with PyTorch's own."""
        return ("", _FUSED)
