"""Deformable convolution, version 2: places that move, and a factor at each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from plugins.common.deform_conv.reference import Shape, deform_conv

Array = Any


def reference(inputs: Sequence[Array | None], attributes: Mapping[str, Any]) -> list[Array]:
    """[output] for [x, offset, mask, weight, bias]; the bias may be left out."""
    x, offset, mask, weight, bias = (*inputs, None)[:5]
    return [deform_conv(x, offset, mask, weight, bias, Shape.of(attributes))]
