"""int8 between Q and DQ, as every TensorRT takes it: ranges are the largest magnitudes that were measured.

It is for those who want the graph, or look into it. A submit with --calib needs it not: the device that builds puts
Q/DQ in, in the same places.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .ranges import Measure, Ranges, largest
from .rewrite import Site, opset_of, rewrite

if TYPE_CHECKING:
    from onnx import ModelProto

Array = Any

NAME = "quantize"
DESCRIPTION = "Put Q/DQ before what computes in int8, with ranges measured on the reference inputs or on samples"
TOOLS = ("onnx", "onnxruntime", "numpy")
# Operators, and words of which names that stay in float hold one; separated by strokes.
PARAMETERS: Mapping[str, Any] = {"operators": "Conv/ConvTranspose/Gemm/MatMul", "keep": ""}
# Giving up digits is what it is for.
TOLERANCE = None

# QuantizeLinear along an axis came with this version.
_PER_CHANNEL_OPSET = 13
_LARGEST = 127.0


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with Q/DQ before the inputs of these operators: for each channel of a weight, for all of a value.

    Raises: ValueError: nothing was measured, the graph is too old, or there is nothing to quantize.
    """
    if opset_of(model) < _PER_CHANNEL_OPSET:
        raise ValueError(f"it is written from opset {_PER_CHANNEL_OPSET} on; put opset:oldest=13 before it")
    ranges = measure()
    if not ranges:
        raise ValueError("nothing here can run the graph, so there are no ranges")
    kept = [word for word in parameters["keep"].split("/") if word]
    quantizer = _Quantizer(ranges, kept, measure)
    if not rewrite(model, dict.fromkeys(parameters["operators"].split("/"), quantizer.rule)):
        raise ValueError("no such operator of the graph reads float32 values whose range is known")
    return model


class _Quantizer:
    """Writes Q/DQ; a value that several operators read gets them once."""

    def __init__(self, ranges: Ranges, kept: list[str], measure: Measure) -> None:
        self._ranges = ranges
        self._kept = kept
        self._measure = measure
        self._made: dict[tuple[str, int | None], str] = {}

    def rule(self, site: Site) -> None:
        """The operator with its first two inputs between Q and DQ, where both are floats whose range is known."""
        if any(word in site.node.name for word in self._kept):
            return
        scales = [self._scale(site, place) for place in (0, 1)]
        if None in scales or "" in (site.input(0), site.input(1)):
            return
        read = [self._pair(site, place, *scale) for place, scale in enumerate(scales) if scale is not None]
        site.same([*read, *site.node.input[2:]])

    def _scale(self, site: Site, place: int) -> tuple[Array, int | None] | None:
        """The scale of an input, and its axis where there is one for each channel."""
        import numpy as np

        name = site.input(place)
        weight = site.constant(name)
        rank = len(site.shape(name) or ()) if weight is None else weight.ndim
        axis = _channels(site, rank) if place == 1 else None
        if weight is not None:
            highest = largest(weight, axis) if weight.dtype == np.float32 else None
        elif name in self._ranges:
            axis, highest = None, np.float32(self._ranges[name])
        else:
            highest = self._measure.weight(name, axis)
        # No number fits into a scale of infinity.
        if highest is None or not np.isfinite(highest).all():
            return None
        return _scale(highest), axis

    def _pair(self, site: Site, place: int, scale: Array, axis: int | None) -> str:
        import numpy as np

        name = site.input(place)
        if (name, axis) not in self._made:
            part = f"input_{place}"
            limits = [site.weight(f"{part}_scale", scale), site.weight(f"{part}_zero", np.zeros(scale.shape, np.int8))]
            along = {} if axis is None else {"axis": axis}
            bytes_ = site.op("QuantizeLinear", [name, *limits], f"{part}_int8", **along)
            self._made[name, axis] = site.op("DequantizeLinear", [bytes_, *limits], f"{part}_rounded", **along)
        return self._made[name, axis]


def _scale(largest: Array) -> Array:
    """What one step of a byte is worth; a value that is always zero keeps any."""
    import numpy as np

    return np.where(largest > 0, largest / _LARGEST, 1.0).astype(np.float32)


def _channels(site: Site, rank: int) -> int | None:
    """The axis of a weight along which each channel of the output lies."""
    kind = site.node.op_type
    if kind == "Conv":
        return 0
    if kind == "ConvTranspose":
        return 1 if site.attribute("group", 1) == 1 else None
    if kind == "Gemm":
        return 0 if site.attribute("transB", 0) else 1
    return rank - 1 if rank > 1 else None
