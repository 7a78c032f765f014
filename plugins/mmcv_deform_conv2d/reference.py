"""Deformable convolution, version 1: places that move."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plugins.common.deform_conv.reference import Shape, deform_conv

Array = Any


def reference(inputs: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    """[output] for [x, offset, weight, bias]; the bias may be left out."""
    x, offset, weight, bias = (*inputs, None)[:4]
    return [deform_conv(x, offset, None, weight, bias, Shape.of(attributes))]
