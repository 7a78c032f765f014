"""A graph of half precision in float32 that rounds where the graph does: processors lack kernels for such types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .model import Model
from .walk import graphs, inside

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto


def runnable(model: Model) -> Model:
    """The model itself, or where it computes in bfloat16 one that gives the same numbers and runs on a processor."""
    from onnx import TensorProto

    return _spelled_out(model, TensorProto.BFLOAT16)


def rounding_everywhere(model: Model) -> Model:
    """A model of half precision that rounds each value, also where ONNX Runtime would hand on float32.

    It has kernels for few operators in float16, and leaves out the conversions between the others.
    """
    from onnx import TensorProto, shape_inference

    typed = model.with_graph(shape_inference.infer_shapes(model.proto))
    return _spelled_out(_spelled_out(typed, TensorProto.BFLOAT16), TensorProto.FLOAT16)


def _spelled_out(model: Model, kind: int) -> Model:
    if not _values_of(model.proto.graph, kind):
        return model
    copy = model.copy()
    _widen(copy.proto, kind)
    return copy


def rounding(model: ModelProto) -> float:
    """The distance from 1 to the next number, in the coarsest float type that a graph computes in."""
    from onnx import TensorProto

    steps = {TensorProto.FLOAT16: 2.0**-10, TensorProto.BFLOAT16: 2.0**-7}
    kinds = {weight.data_type for graph in graphs(model.graph) for weight in graph.initializer}
    for operator in inside(model.graph.node):
        kinds.update(attribute.i for attribute in operator.attribute if attribute.name == "to")
    return max((steps[kind] for kind in kinds if kind in steps), default=0.0)


def _values_of(outer: GraphProto, kind: int) -> set[str]:
    """The names of all values that a graph says to be of a type."""
    values = (value for graph in graphs(outer) for value in (*graph.input, *graph.output, *graph.value_info))
    return {value.name for value in values if value.type.tensor_type.elem_type == kind}


def _widen(model: ModelProto, kind: int) -> None:
    from onnx import TensorProto

    narrow = _values_of(model.graph, kind)
    for graph in graphs(model.graph):
        for weight in graph.initializer:
            _widen_tensor(weight, kind)
        for value in (*graph.input, *graph.output, *graph.value_info):
            if value.name in narrow:
                value.type.tensor_type.elem_type = TensorProto.FLOAT
    for operator in inside(model.graph.node):
        for attribute in operator.attribute:
            if attribute.HasField("t"):
                _widen_tensor(attribute.t, kind)
            if attribute.name in ("to", "dtype") and attribute.i == kind:
                attribute.i = TensorProto.FLOAT
    # Inner graphs first: what is copied must be as it will be.
    for graph in reversed(list(graphs(model.graph))):
        nodes = [made for operator in graph.node for made in _rounding(operator, narrow, kind)]
        copied = [type(node).FromString(node.SerializeToString()) for node in nodes]
        del graph.node[:]
        graph.node.extend(copied)


def _widen_tensor(tensor: TensorProto, kind: int) -> None:
    import numpy as np
    from onnx import numpy_helper

    if tensor.data_type == kind:
        tensor.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))


def _rounding(operator: NodeProto, narrow: set[str], kind: int) -> list[NodeProto]:
    """The operator, and after it the roundings of what it gives."""
    from onnx import TensorProto, helper

    made = [operator]
    for place, name in enumerate(operator.output):
        if name in narrow:
            exact, short = f"{name} unrounded", f"{name} rounded"
            operator.output[place] = exact
            made.append(helper.make_node("Cast", [exact], [short], to=kind))
            made.append(helper.make_node("Cast", [short], [name], to=TensorProto.FLOAT))
    return made
