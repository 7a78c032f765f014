"""A graph in float16 that keeps float32 where float16 is not enough: what is known to need it, and what is measured to.

The tool is that of ONNX Runtime, as for `float16`. On the reference inputs no value of the rest comes near the largest
float16, and none is lost below its smallest.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .casts import join_casts
from .names import distinguish, rename_reads
from .narrow import narrow
from .ranges import Measure, Ranges, tensors_of
from .sort import sort
from .walk import graphs

if TYPE_CHECKING:
    from onnx import ModelProto

log = logging.getLogger(__name__)

NAME = "mixed"
DESCRIPTION = "Compute in float16 where that is enough, in float32 elsewhere; inputs and outputs keep their types"
TOOLS = ("onnx", "onnxruntime")
# How many times larger than on the reference inputs a value may become before float16 cannot hold it.
PARAMETERS: Mapping[str, Any] = {"headroom": 4.0}
TOLERANCE = None

# Sums of squares and exponentials overflow, or lose small terms, for inputs that nobody measured.
_DELICATE = (
    *("LayerNormalization", "InstanceNormalization", "GroupNormalization", "RMSNormalization", "LpNormalization"),
    # NVIDIA's plugin for the first of them.
    "LayerNorm",
    *("Softmax", "LogSoftmax", "Softplus", "Exp", "Log", "Pow", "Reciprocal", "Sqrt"),
    *("ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceL2", "ReduceProd", "ReduceLogSum", "ReduceLogSumExp"),
)
# What normalizes by hand: the operators around a mean and a root, as LayerNormalization is written for old versions.
_MEANS_AND_ROOTS = ("ReduceMean", "ReduceSum", "ReduceSumSquare", "ReduceL2", "Sqrt", "Reciprocal")
_AFTER, _BEFORE = ("Add", "Sub", "Mul", "Div"), ("Mul", "Pow")
# What is inside of them is not measured, and stays as it is.
_BRANCHING = ("If", "Loop", "Scan")
# What the float32 form of a value that is float16 elsewhere is called.
_WIDE = "_in_float32"
_LARGEST, _SMALLEST = 65504.0, 2.0**-14


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with its float32 weights and values as float16, but those of operators that need float32."""
    distinguish(model)
    _part_from_branches(model)
    own = {operator.name for graph in graphs(model.graph) for operator in graph.node}
    beyond = _beyond(model, measure(), parameters["headroom"])
    converted = narrow(model, (*_DELICATE, *_BRANCHING), {*beyond, *_by_hand(model)})
    _widen_for_branches(converted)
    join_casts(converted.graph, own)
    sort(converted.graph)
    _tell(model, beyond)
    return converted


def _part_from_branches(model: ModelProto) -> None:
    """Give branches, which stay float32, weights of their own where operators outside of them read these too."""
    from onnx import TensorProto

    graph = model.graph
    outside = {name for operator in graph.node for name in operator.input}
    shared = outside & set(_read_in_branches(model))
    for weight in [weight for weight in graph.initializer if weight.name in shared]:
        if weight.data_type == TensorProto.FLOAT:
            graph.initializer.add().CopyFrom(weight)
            graph.initializer[-1].name = weight.name + _WIDE
            _rename_in_branches(model, {weight.name: weight.name + _WIDE})


def _widen_for_branches(model: ModelProto) -> None:
    """Hand float32 to branches that read a value from outside which became float16."""
    from onnx import TensorProto, helper

    narrow_ones = set(_read_in_branches(model)) & tensors_of(model, TensorProto.FLOAT16)
    for name in sorted(narrow_ones):
        cast = helper.make_node("Cast", [name], [name + _WIDE], name=name + _WIDE, to=TensorProto.FLOAT)
        model.graph.node.append(cast)
    _rename_in_branches(model, {name: name + _WIDE for name in narrow_ones})


def _read_in_branches(model: ModelProto) -> list[str]:
    branches = [graph for graph in graphs(model.graph) if graph is not model.graph]
    return [name for graph in branches for operator in graph.node for name in operator.input]


def _rename_in_branches(model: ModelProto, renamed: Mapping[str, str]) -> None:
    for graph in graphs(model.graph):
        if graph is not model.graph:
            rename_reads(graph, renamed)


def _beyond(model: ModelProto, ranges: Ranges, headroom: float) -> dict[str, str]:
    """Name to kind of each operator that reads or gives values which float16 cannot hold."""
    weights = _weights(model)
    known = {**ranges, **weights}

    def fits(name: str) -> bool:
        largest = known.get(name, 0.0)
        # A tensor of nothing but zeros is one of what float16 can hold; NaN is not.
        return largest == 0.0 or _SMALLEST <= largest <= _LARGEST / headroom

    return {
        operator.name: operator.op_type
        for operator in model.graph.node
        if not all(fits(name) for name in (*operator.input, *operator.output))
    }


def _by_hand(model: ModelProto) -> set[str]:
    """The names of the operators that a normalization is written in, beside its means and roots."""
    around = [operator for operator in model.graph.node if operator.op_type in _MEANS_AND_ROOTS]
    given = {name for operator in around for name in operator.output}
    read = {name for operator in around for name in operator.input}
    return {
        operator.name
        for operator in model.graph.node
        if (operator.op_type in _AFTER and given.intersection(operator.input))
        or (operator.op_type in _BEFORE and read.intersection(operator.output))
    }


def _weights(model: ModelProto) -> dict[str, float]:
    """The largest magnitude in each float32 weight that is in memory."""
    import numpy as np
    from onnx import TensorProto, numpy_helper

    found = {}
    for tensor in model.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and tensor.data_location != TensorProto.EXTERNAL:
            array = numpy_helper.to_array(tensor)
            found[tensor.name] = float(np.abs(array).max()) if array.size else 0.0
    return found


def _tell(model: ModelProto, beyond: Mapping[str, str]) -> None:
    delicate = Counter(operator.op_type for operator in model.graph.node if operator.op_type in _DELICATE)
    told = ", ".join(f"{times} {kind}" for kind, times in delicate.most_common()) or "none"
    measured = ", ".join(f"{times} {kind}" for kind, times in Counter(beyond.values()).most_common()) or "none"
    log.info("float32 stays in: %s; and, since values were measured beyond float16, in: %s", told, measured)
