"""Borders of constants as pieces that are put beside the values, for builders whose Pad knows only images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .ranges import Measure
from .rewrite import Shape, Site, rewrite

if TYPE_CHECKING:
    from onnx import ModelProto

NAME = "pads"
DESCRIPTION = "Write a Pad that adds constants to other axes than the last two with Concat"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {}
# Values are copied.
TOLERANCE = 1e-6

# Before, the borders were attributes.
_BORDERS_ARE_AN_INPUT = 11


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph without such a Pad, as far as its borders and sizes are known."""
    rewrite(model, {"Pad": _pad})
    return model


def _pad(site: Site) -> None:
    borders, shape = site.constant(site.input(1)), site.shape(site.input(0))
    if site.opset < _BORDERS_ARE_AN_INPUT or site.attribute("mode", b"constant") != b"constant":
        return
    if borders is None or shape is None or site.input(3) or borders.min(initial=0) < 0:
        return
    before, after = borders.reshape(2, -1).tolist()
    axes = [axis for axis in range(len(shape)) if before[axis] or after[axis]]
    fill = site.constant(site.input(2)) if site.input(2) else None
    if not axes or axes[0] >= len(shape) - 2 or None in shape or (site.input(2) and fill is None):
        return
    _concatenate(site, shape, (before, after, axes), 0 if fill is None else fill.item())


def _concatenate(site: Site, shape: Shape, borders: tuple[list[int], list[int], list[int]], fill: float) -> None:
    import numpy as np
    from onnx import helper

    before, after, axes = borders
    dtype = helper.tensor_dtype_to_np_dtype(site.kind(site.input(0)))
    sizes = [size or 0 for size in shape]
    value = site.input(0)
    for axis in axes:
        pieces = []
        for width, part in ((before[axis], "before"), (after[axis], "after")):
            piece = np.full([*sizes[:axis], width, *sizes[axis + 1 :]], fill, dtype)
            pieces.append([site.weight(f"{part}_{axis}", piece)] if width else [])
        part = "" if axis == axes[-1] else f"axis_{axis}"
        value = site.op("Concat", [*pieces[0], value, *pieces[1]], part, axis=axis)
        sizes[axis] += before[axis] + after[axis]
