"""Limits and axes as TensorRT 8 wants them: those of Clip and Slice must be weights, or it cannot read the operator."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .ranges import Measure
from .rewrite import Site, rewrite

if TYPE_CHECKING:
    from onnx import ModelProto

NAME = "bounds"
DESCRIPTION = "Write a Clip whose limits are computed as Max and Min, and name the axes of each Slice"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {}
# Nothing is computed otherwise.
TOLERANCE = 1e-6

# Before, the limits of Clip and all of Slice were attributes.
_LIMITS_ARE_INPUTS, _AXES_ARE_INPUTS = 11, 10


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph without limits of Clip that it computes itself, and without axes of Slice that go without saying."""
    rewrite(model, {"Clip": _clip, "Slice": _slice})
    return model


def _clip(site: Site) -> None:
    low, high = site.input(1), site.input(2)
    computed = [name for name in (low, high) if name and site.constant(name) is None]
    if site.opset < _LIMITS_ARE_INPUTS or not computed:
        return
    value = site.input(0)
    if low:
        value = site.op("Max", [value, low], "at_least" if high else "")
    if high:
        site.op("Min", [value, high])


def _slice(site: Site) -> None:
    import numpy as np

    starts = site.shape(site.input(1))
    if site.opset < _AXES_ARE_INPUTS or site.input(3) or not starts or starts[0] is None:
        return
    axes = site.weight("axes", np.arange(starts[0], dtype=np.int64))
    steps = [site.input(4)] if site.input(4) else []
    site.same([*site.node.input[:3], axes, *steps])
