"""What an input of whole numbers or truth values means, read from the operators that take it.

A random token id must be below the size of the vocabulary, a sample rate is one of the constants it is compared with,
and a length is at most the length of the sequence. Followed through operators that only move values around.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..graph.walk import graphs
from ..graph.weights import is_external
from .shapes import Shape
from .sizing import shape_of

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, TensorProto

Number = int | float
# Operator → the positions of its inputs whose values come out again.
_MOVES: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("Identity", "Cast", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"), (0,)),
    **dict.fromkeys(("Slice", "Split", "Gather", "GatherElements", "GatherND", "Expand", "Tile", "Pad"), (0,)),
    "Where": (1, 2),
    "Concat": tuple(range(64)),
}
_INDEXED_ALONG_AXIS = ("Gather", "GatherElements", "ScatterElements", "Scatter")
_RECURRENT = ("LSTM", "GRU", "RNN")
_LENGTHS_INPUT = 4
# Operator → the positions of its inputs that decide the shape of what comes out.
_DECIDES: Mapping[str, tuple[int, ...]] = {
    **dict.fromkeys(("Reshape", "Expand", "Tile", "Pad", "TopK"), (1,)),
    "ConstantOfShape": (0,),
    "Range": (0, 1, 2),
    "Resize": (2, 3),
    "Slice": (1, 2, 3, 4),
}


@dataclass(frozen=True)
class Meaning:
    """What is known about the values of an input.

    Attributes:
        constant: The one value it is compared with; the first where there are several.
        below: Every value is less: the size of the axis that it is an index into.
        most: The length of the sequence whose lengths it tells.
        decides: The operator whose output's shape it decides: nobody can guess it.
    """

    constant: Number | None = None
    below: int | None = None
    most: int | None = None
    decides: str | None = None


def meanings(proto: ModelProto) -> dict[str, Meaning]:
    """Input name to meaning, of a sized graph."""
    graph = _Graph(proto)
    return {value.name: _meaning(graph, value.name) for value in proto.graph.input}


class _Graph:
    """Who takes a value, its shape and, for constants, its first element; over all graphs of the model."""

    def __init__(self, proto: ModelProto) -> None:
        self.takers: dict[str, list[tuple[NodeProto, int]]] = {}
        self.shapes: dict[str, Shape] = {}
        self.constants: dict[str, TensorProto] = {}
        for graph in graphs(proto.graph):
            for value in (*graph.input, *graph.value_info, *graph.output):
                shape = shape_of(value)
                if shape is not None:
                    self.shapes[value.name] = shape
            for tensor in graph.initializer:
                self.shapes[tensor.name] = tuple(tensor.dims)
                self.constants[tensor.name] = tensor
            for operator in graph.node:
                self._add(operator)

    def _add(self, operator: NodeProto) -> None:
        for position, name in enumerate(operator.input):
            self.takers.setdefault(name, []).append((operator, position))
        if operator.op_type == "Constant":
            for attribute in operator.attribute:
                if attribute.name == "value":
                    self.constants[operator.output[0]] = attribute.t

    def uses(self, name: str) -> Iterator[tuple[NodeProto, int]]:
        """Operators that take the values of an input, wherever they were moved to, and at which position."""
        waiting, seen = [name], {name}
        while waiting:
            for operator, position in self.takers.get(waiting.pop(), ()):
                yield operator, position
                if position in _MOVES.get(operator.op_type, ()):
                    fresh = [output for output in operator.output if output not in seen]
                    waiting.extend(fresh)
                    seen.update(fresh)


def _meaning(graph: _Graph, name: str) -> Meaning:
    constants: list[Number] = []
    sizes: list[int] = []
    lengths: list[int] = []
    decides: list[str] = []
    for operator, position in graph.uses(name):
        if operator.op_type == "Equal":
            constants.extend(_scalar(graph, operator.input[1 - position]))
        elif operator.op_type in _RECURRENT and position == _LENGTHS_INPUT:
            lengths.extend(_axis(graph, operator.input[0], 0))
        elif position in _DECIDES.get(operator.op_type, ()):
            decides.append(operator.op_type)
        else:
            sizes.extend(_indexed(graph, operator, position))
    return Meaning(
        constant=constants[0] if constants else None,
        below=min(sizes, default=None),
        most=min(lengths, default=None),
        decides=decides[0] if decides else None,
    )


def _indexed(graph: _Graph, operator: NodeProto, position: int) -> Iterator[int]:
    """The size of the axis that an input is an index into, where the operator takes indices there."""
    kind = operator.op_type
    if (kind in ("Gather", "GatherElements") and position == 1) or (
        kind in ("ScatterElements", "Scatter") and position == 1
    ):
        yield from _axis(graph, operator.input[0], _attribute(operator, "axis", 0))
    elif kind in ("GatherND", "ScatterND") and position == 1:
        yield from graph.shapes.get(operator.input[0], ())
    elif kind == "OneHot" and position == 0:
        yield from (int(depth) for depth in _scalar(graph, operator.input[1]))


def _scalar(graph: _Graph, name: str) -> Iterator[Number]:
    from onnx import numpy_helper

    tensor = graph.constants.get(name)
    if tensor is not None and not is_external(tensor):
        values = numpy_helper.to_array(tensor).reshape(-1)
        if values.size == 1:
            yield values[0].item()


def _axis(graph: _Graph, name: str, axis: int) -> Iterator[int]:
    shape = graph.shapes.get(name)
    if shape is not None and -len(shape) <= axis < len(shape):
        yield shape[axis]


def _attribute(operator: NodeProto, name: str, default: int) -> int:
    return next((attribute.i for attribute in operator.attribute if attribute.name == name), default)
