"""The encoder and decoder of Deformable-DETR in PyTorch, with the parameter names of the original."""
# mypy: disable-error-code="misc,import-not-found,no-untyped-call"

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .detr import Attention
from .operators import DeformableAttention, deformable_attention

Tensor = Any

WIDTH = 256
_HEADS, _POINTS, _INNER, _LAYERS, LEVELS = 8, 4, 1024, 6, 4
# Of drawn weights: offsets then differ by a pixel or two, as those of trained networks do.
_SPREAD = 0.02
_LEAST = 1e-5


@dataclass(frozen=True)
class Maps:
    """Rows and columns of the maps that attention looks at, and how it is written."""

    sizes: list[tuple[int, int]]
    by_plugin: bool

    def centres(self, device: Any) -> Tensor:
        """Of all pixels of all maps: pixels x 2, right and down, from 0 to 1."""
        made = []
        for rows, columns in self.sizes:
            down = (torch.arange(rows, dtype=torch.float32, device=device) + 0.5) / rows
            right = (torch.arange(columns, dtype=torch.float32, device=device) + 0.5) / columns
            made.append(torch.stack((right.expand(rows, -1), down[:, None].expand(-1, columns)), -1).flatten(0, 1))
        return torch.cat(made)

    def seen(self, value: Tensor, places: Tensor, shares: Tensor) -> Tensor:
        """What attention sees there."""
        if not self.by_plugin:
            return deformable_attention(value, self.sizes, places, shares)
        sizes = torch.tensor(self.sizes, dtype=torch.int32)
        ends = sizes.prod(1).cumsum(0)
        starts = torch.cat((torch.zeros(1, dtype=torch.int64), ends[:-1])).to(torch.int32)
        return DeformableAttention.apply(value, sizes.to(value.device), starts.to(value.device), places, shares)


class SparseAttention(nn.Module):
    """Attention to a few places of each map, around a point or inside of a box."""

    def __init__(self) -> None:
        super().__init__()
        self.sampling_offsets = nn.Linear(WIDTH, _HEADS * LEVELS * _POINTS * 2)
        self.attention_weights = nn.Linear(WIDTH, _HEADS * LEVELS * _POINTS)
        self.value_proj, self.output_proj = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH)

    def draw(self) -> None:
        """Each head looks in a direction of its own, each point farther, and a little elsewhere for each query."""
        angles = torch.arange(_HEADS, dtype=torch.float32) * (2 * math.pi / _HEADS)
        directions = torch.stack((angles.cos(), angles.sin()), -1)
        directions = directions / directions.abs().amax(-1, keepdim=True)
        steps = torch.arange(1, _POINTS + 1, dtype=torch.float32)
        spread = directions[:, None, None] * steps[:, None]
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(spread.expand(-1, LEVELS, -1, -1).flatten())
        nn.init.normal_(self.sampling_offsets.weight, std=_SPREAD)
        for linear in (self.attention_weights, self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, queries: Tensor, around: Tensor, memory: Tensor, maps: Maps) -> Tensor:
        """Of N x queries x width.

        Args:
            queries: With their places.
            around: Points or boxes, N x queries x 2 or 4.
            memory: N x pixels x width.
            maps: Of the memory.
        """
        count = queries.shape[1]
        value = self.value_proj(memory).reshape(-1, memory.shape[1], _HEADS, WIDTH // _HEADS)
        offsets = self.sampling_offsets(queries).reshape(-1, count, _HEADS, LEVELS, _POINTS, 2)
        shares = self.attention_weights(queries).reshape(-1, count, _HEADS, LEVELS * _POINTS).softmax(-1)
        middle = around[:, :, None, None, None, :2]
        if around.shape[-1] == 2:
            columns_rows = torch.tensor([size[::-1] for size in maps.sizes]).to(offsets)
            places = middle + offsets / columns_rows[:, None]
        else:
            places = middle + offsets * (around[:, :, None, None, None, 2:] * (0.5 / _POINTS))
        return self.output_proj(maps.seen(value, places, shares.reshape(-1, count, _HEADS, LEVELS, _POINTS)))


class _Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.linear1, self.linear2 = nn.Linear(WIDTH, _INNER), nn.Linear(_INNER, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)

    def _feed(self, x: Tensor) -> Tensor:
        return x + self.linear2(functional.relu(self.linear1(x)))


class EncoderLayer(_Layer):
    """A layer of the encoder: every pixel looks around itself."""

    def __init__(self) -> None:
        super().__init__()
        self.self_attn = SparseAttention()

    def forward(self, x: Tensor, places: Tensor, centres: Tensor, maps: Maps) -> Tensor:
        """The pixels once more."""
        x = self.norm1(x + self.self_attn(x + places, centres, x, maps))
        return self.norm2(self._feed(x))


class DecoderLayer(_Layer):
    """A layer of the decoder: queries look at each other, then at the maps."""

    def __init__(self) -> None:
        super().__init__()
        self.cross_attn = SparseAttention()
        self.self_attn = Attention(fused=False)
        self.norm3 = nn.LayerNorm(WIDTH)

    def forward(self, x: Tensor, places: Tensor, around: Tensor, memory: Tensor, maps: Maps) -> Tensor:
        """The queries once more."""
        placed = x + places
        x = self.norm2(x + self.self_attn(placed, placed, x))
        x = self.norm1(x + self.cross_attn(x + places, around, memory, maps))
        return self.norm3(self._feed(x))


class Transformer(nn.Module):
    """Encoder and decoder. With `decoder.bbox_embed`, each layer but the last refines the boxes of the one before."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder = nn.Module(), nn.Module()
        self.encoder.layers = nn.ModuleList(EncoderLayer() for _ in range(_LAYERS))
        self.decoder.layers = nn.ModuleList(DecoderLayer() for _ in range(_LAYERS))
        self.decoder.bbox_embed = None
        self.level_embed = nn.Parameter(torch.randn(LEVELS, WIDTH))
        self.reference_points = nn.Linear(WIDTH, 2)
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        nn.init.normal_(self.level_embed)
        nn.init.zeros_(self.reference_points.bias)
        for module in self.modules():
            if isinstance(module, SparseAttention):
                module.draw()

    def forward(self, memory: Tensor, places: Tensor, queries: Tensor, maps: Maps) -> tuple[Tensor, Tensor]:
        """What the queries found, and the points or boxes that the last layer looked around."""
        centres = maps.centres(memory.device).to(memory)[None]
        for layer in self.encoder.layers:
            memory = layer(memory, places, centres, maps)
        query_places, found = queries.split(WIDTH, -1)
        around = self.reference_points(query_places).sigmoid()
        for number, layer in enumerate(self.decoder.layers):
            found = layer(found, query_places, around, memory, maps)
            if self.decoder.bbox_embed is not None and number + 1 < _LAYERS:
                around = moved(self.decoder.bbox_embed[number](found), around)
        return found, around


def moved(by: Tensor, around: Tensor) -> Tensor:
    """Boxes that are `by` away from points or boxes, both before the sigmoid."""
    given = (around.clamp(min=_LEAST) / (1 - around).clamp(min=_LEAST)).log()
    middle = by[..., :2] + given[..., :2]
    rest = by[..., 2:] + given[..., 2:] if around.shape[-1] == 4 else by[..., 2:]
    return torch.cat((middle, rest), -1).sigmoid()
