"""Places counted from the end of an axis, as places from its beginning: old parsers read a -1 as no place at all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .ranges import Measure
from .rewrite import Site, rewrite

if TYPE_CHECKING:
    from onnx import ModelProto

NAME = "positive_gather"
DESCRIPTION = "Count the places that Gather reads from the beginning of an axis where they count from its end"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {}
# The same elements are read.
TOLERANCE = 1e-6

# Beyond the end of any axis, and within 32 bits.
_END = 2**31 - 1
# From here on the axes of Squeeze are an input.
_AXES_ARE_AN_INPUT = 13


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph without negative places in Gather and GatherElements, as far as they are constant."""
    rewrite(model, {"Gather": _gather, "GatherElements": _gather})
    return model


def _gather(site: Site) -> None:
    places = site.constant(site.input(1))
    if places is None or places.size == 0 or places.min() >= 0:
        return
    axis, shape = site.attribute("axis", 0), site.shape(site.input(0))
    size = shape[axis] if shape else None
    if size is not None:
        positive = (places + size * (places < 0)).astype(places.dtype)
        site.same([site.input(0), site.weight("places", positive)])
    elif site.node.op_type == "Gather" and places.ndim == 0:
        _slice(site, int(places), axis)


def _slice(site: Site, place: int, axis: int) -> None:
    """One place of an axis of any size: Slice has always counted from the end."""
    import numpy as np

    axes = site.weight("axes", np.array([axis], np.int64))
    limits = [site.weight(*limit) for limit in (("start", _one(place)), ("end", _one(place + 1 or _END)))]
    last = site.op("Slice", [site.input(0), *limits, axes], "last")
    if site.opset >= _AXES_ARE_AN_INPUT:
        site.op("Squeeze", [last, axes])
    else:
        site.op("Squeeze", [last], axes=[axis])


def _one(number: int) -> Any:
    import numpy as np

    return np.array([number], np.int64)
