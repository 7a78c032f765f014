"""Multi-scale deformable attention: weighted sums of what lies at a few places of each map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = Any


def reference(inputs: Sequence[Array], attributes: Mapping[str, Any]) -> list[Array]:
    """[output] for [value, spatial_shapes, level_start_index, sampling_locations, attention_weights].

    It answers for aloception's `ms_deform_attn_forward`, too: what follows these inputs has no meaning for the numbers.
    """
    value, sizes, starts, places, shares = inputs[:5]
    images, _, heads, channels = value.shape
    queries = places.shape[1]
    total = np.zeros((images, queries, heads, channels))
    levels = zip(sizes.reshape(-1, 2).tolist(), starts.reshape(-1).tolist())
    for level, ((rows, columns), start) in enumerate(levels):
        held = value[:, start : start + rows * columns].astype(np.float64)
        x = places[:, :, :, level, :, 0].astype(np.float64) * columns - 0.5
        y = places[:, :, :, level, :, 1].astype(np.float64) * rows - 0.5
        for down in (0, 1):
            for right in (0, 1):
                total += _corner(held, rows, columns, y, x, down, right, shares[:, :, :, level])
    if not attributes.get("split_heads", 0):
        total = total.reshape(images, queries, heads * channels)
    return [total.astype(value.dtype)]


def _corner(held: Array, rows: int, columns: int, y: Array, x: Array, down: int, right: int, shares: Array) -> Array:
    """What one of the four neighbours gives: [N, queries, heads, channels]."""
    row, column = np.floor(y) + down, np.floor(x) + right
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    share = np.where(inside, (1 - np.abs(y - row)) * (1 - np.abs(x - column)) * shares, 0)
    pixel = np.where(inside, row * columns + column, 0).astype(int)
    image = np.arange(held.shape[0])[:, None, None, None]
    head = np.arange(held.shape[2])[None, None, :, None]
    picked = held[image, pixel, head]
    return np.where(inside[..., None], picked * share[..., None], 0).sum(axis=3)
