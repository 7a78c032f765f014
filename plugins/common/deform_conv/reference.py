"""Deformable convolution in NumPy, in float64: what both of its plugins compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True)
class Shape:
    """The attributes that both plugins share; pairs are (rows, columns), as PyTorch has them.

    Attributes:
        deform_groups: Groups of input channels, each with places of its own.
    """

    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int
    deform_groups: int

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Shape:
        """From the attributes of an operator; with `legacy` pairs are (columns, rows), as MMCV takes them."""
        order = -1 if attributes.get("legacy", 0) else 1
        defaults = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
        pairs = {name: tuple(attributes.get(name, default))[::order] for name, default in defaults.items()}
        return cls(**pairs, groups=attributes.get("groups", 1), deform_groups=attributes.get("deform_groups", 1))


def deform_conv(x: Array, offset: Array, mask: Array | None, weight: Array, bias: Array | None, shape: Shape) -> Array:
    """The convolution of `x` at moved places.

    Args:
        x: [N, C, H, W].
        offset: [N, deform_groups * taps * 2, rows, columns], (down, right) of each tap, in pixels.
        mask: [N, deform_groups * taps, rows, columns], a factor of each tap; none is 1.
        weight: [out, C / groups, kernel rows, kernel columns].
        bias: [out]; none is 0.
        shape: How the kernel lies on the input.

    Returns: [N, out, rows, columns], in the type of `x`.
    """
    images, channels, _, _ = x.shape
    rows, columns = offset.shape[2:]
    out, _, kernel_rows, kernel_columns = weight.shape
    taps, parts = kernel_rows * kernel_columns, shape.deform_groups
    moved = offset.reshape(images, parts, taps, 2, rows, columns).astype(np.float64)
    factor = np.ones((images, parts, taps, rows, columns)) if mask is None else mask.reshape(moved[:, :, :, 0].shape)
    sampled = np.zeros((images, channels, taps, rows, columns))
    per_part = channels // parts
    for tap in range(taps):
        row, column = divmod(tap, kernel_columns)
        y0 = np.arange(rows)[:, None] * shape.stride[0] - shape.padding[0] + row * shape.dilation[0]
        x0 = np.arange(columns)[None, :] * shape.stride[1] - shape.padding[1] + column * shape.dilation[1]
        for image in range(images):
            for part in range(parts):
                held = slice(part * per_part, (part + 1) * per_part)
                places = moved[image, part, tap, 0] + y0, moved[image, part, tap, 1] + x0
                sampled[image, held, tap] = between(x[image, held], *places) * factor[image, part, tap]
    given = sampled.reshape(images, shape.groups, channels // shape.groups * taps, rows * columns)
    factors = weight.reshape(shape.groups, out // shape.groups, -1).astype(np.float64)
    product = np.einsum("gok,ngkp->ngop", factors, given).reshape(images, out, rows, columns)
    return (product if bias is None else product + bias[:, None, None]).astype(x.dtype)


def between(image: Array, y: Array, x: Array) -> Array:
    """The values of [C, H, W] at places between its pixels; nothing lies outside."""
    height, width = image.shape[1:]
    value = np.zeros((image.shape[0], *y.shape))
    for down in (0, 1):
        for right in (0, 1):
            row, column = np.floor(y) + down, np.floor(x) + right
            share = (1 - np.abs(y - row)) * (1 - np.abs(x - column))
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            picked = image[:, np.where(inside, row, 0).astype(int), np.where(inside, column, 0).astype(int)]
            value += np.where(inside, picked * share, 0)
    return value
