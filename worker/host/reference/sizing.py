"""The graph with all axes of its inputs known: the shapes of its inner values, and what they need in memory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from farm.protocol.errors import Invalid
from farm.protocol.shapes import format_shape

from ..graph import weights
from .shapes import Shape

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

_MIB = 1 << 20
_GIB = 1 << 30


def sized(proto: ModelProto, shapes: Mapping[str, Shape]) -> ModelProto:
    """A copy with these input shapes, shapes inferred as far as they can be, without big weights.

    Its weights above some bytes are inputs: it is for looking at, not for running.
    """
    from onnx import ModelProto, shape_inference

    copy = ModelProto()
    copy.CopyFrom(proto)
    for value in copy.graph.input:
        dims = value.type.tensor_type.shape.dim
        del dims[:]
        for size in shapes[value.name]:
            dims.add().dim_value = size
    # What the exporter noted for the sizes it saw would contradict these.
    del copy.graph.value_info[:]
    for output in copy.graph.output:
        output.type.tensor_type.ClearField("shape")
    weights.detach(copy)
    try:
        inferred: ModelProto = shape_inference.infer_shapes(copy, data_prop=True)
    except shape_inference.InferenceError:
        # Either the graph contradicts itself, which the runtime tells better, or it is only this inference that fails.
        return copy
    return inferred


def check_memory(proto: ModelProto, available_bytes: int) -> None:
    """Refuse a sized graph whose values cannot be held.

    A runtime frees what it no longer needs, so the sum over all values says little; the inputs together, or any one
    value with the weights, must have room.

    Raises: Invalid: the message names the value, its shape and the memory there is.
    """
    inputs = sum(_bytes(value) or 0 for value in proto.graph.input)
    if inputs > available_bytes:
        largest = max(proto.graph.input, key=lambda value: _bytes(value) or 0)
        raise _refused(f"the input {largest.name!r}", largest, available_bytes)
    room = available_bytes - inputs - weights.total_bytes(proto)
    for value in (*proto.graph.value_info, *proto.graph.output):
        needs = _bytes(value)
        if needs is not None and needs > room:
            raise _refused(f"the value {value.name!r}", value, available_bytes)


def shape_of(value: ValueInfoProto) -> Shape | None:
    """The shape of a value; None where it is not known throughout."""
    kind = value.type.tensor_type
    if not kind.HasField("shape") or any(not axis.HasField("dim_value") for axis in kind.shape.dim):
        return None
    return tuple(axis.dim_value for axis in kind.shape.dim)


def _bytes(value: ValueInfoProto) -> int | None:
    from onnx import TensorProto

    shape = shape_of(value)
    kind = value.type.tensor_type.elem_type
    if shape is None or kind in (TensorProto.UNDEFINED, TensorProto.STRING):
        return None
    return weights.byte_size(TensorProto(data_type=kind, dims=shape)) if math.prod(shape) >= 0 else None


def _refused(what: str, value: ValueInfoProto, available_bytes: int) -> Invalid:
    told = f"{what} of {format_shape(shape_of(value) or ())} needs {_size(_bytes(value) or 0)}"
    return Invalid(
        f"{told}, a preparation may take {_size(available_bytes)} here",
        "Give smaller sizes with --shapes, or prepare it on a host with more memory, or a higher "
        "FARM_WORKER_MEMORY_BYTES where that is set.",
    )


def _size(count_bytes: int) -> str:
    return f"{count_bytes / _GIB:.1f} GiB" if count_bytes >= _GIB else f"{count_bytes / _MIB:.0f} MiB"
