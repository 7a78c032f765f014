"""Operators of the farm's plugins in PyTorch: what they compute, and how the tracer writes them."""
# mypy: disable-error-code="misc,import-not-found,no-untyped-call"

from __future__ import annotations

from typing import Any

import torch
from torch.nn import functional

Tensor = Any

DOMAIN, VERSION = "farm.plugin", 1


def deformable_attention(value: Tensor, sizes: list[tuple[int, int]], places: Tensor, shares: Tensor) -> Tensor:
    """Weighted sums of what lies at places of maps, with grid_sample: N x queries x (heads x channels).

    Args:
        value: N x pixels of all maps x heads x channels.
        sizes: Rows and columns of each map.
        places: N x queries x heads x maps x points x 2, from 0 to 1 across a map, right and down.
        shares: N x queries x heads x maps x points.
    """
    heads, channels = value.shape[2:]
    queries, points = places.shape[1], places.shape[4]
    grids = (2 * places - 1).transpose(1, 2)
    maps = value.permute(0, 2, 3, 1).reshape(-1, channels, value.shape[1])
    begin, seen = 0, []
    for level, (rows, columns) in enumerate(sizes):
        image = maps[:, :, begin : begin + rows * columns].reshape(-1, channels, rows, columns)
        grid = grids[:, :, :, level].reshape(-1, queries, points, 2)
        seen.append(functional.grid_sample(image, grid, align_corners=False))
        begin += rows * columns
    each = shares.transpose(1, 2).reshape(-1, 1, queries, len(sizes) * points)
    found = (torch.cat(seen, -1) * each).sum(-1)
    return found.reshape(-1, heads * channels, queries).transpose(1, 2)


class DeformableAttention(torch.autograd.Function):
    """The same, written as the operator of the plugin ms_deform_attn."""

    @staticmethod
    def forward(ctx: Any, value: Tensor, sizes: Tensor, starts: Tensor, places: Tensor, shares: Tensor) -> Tensor:
        """As PyTorch computes it."""
        levels = [(int(rows), int(columns)) for rows, columns in sizes.tolist()]
        return deformable_attention(value, levels, places, shares)

    @staticmethod
    def symbolic(g: Any, value: Tensor, sizes: Tensor, starts: Tensor, places: Tensor, shares: Tensor) -> Any:
        """As the tracer writes it."""
        made = g.op(f"{DOMAIN}::MMCVMultiScaleDeformableAttention", value, sizes, starts, places, shares)
        taken, asked = value.type().sizes(), places.type().sizes()
        if taken is not None and asked is not None:
            made.setType(value.type().with_sizes([taken[0], asked[1], taken[2] * taken[3]]))
        return made
