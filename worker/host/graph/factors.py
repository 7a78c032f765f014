"""Constant factors multiplied into the weights before them: the scale of attention, as a rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .wiring import Wiring, drop_unread

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

    from .ranges import Measure

Array = Any

NAME = "factors"
DESCRIPTION = "Multiply constant factors into the weights before them"
TOOLS = ("onnx", "numpy")
PARAMETERS: Mapping[str, Any] = {}
# A weight rounds once more.
TOLERANCE = 2e-5

# They only move values.
_MOVING = ("Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Identity")


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph without those Mul; branches stay as they are."""
    for operator in [item for item in model.graph.node if item.op_type == "Mul"]:
        wiring = Wiring(model.graph)
        value, factor = _factor(operator, wiring)
        if factor is not None and _multiply(model.graph, value, factor, wiring):
            _bypass(model.graph, operator, value)
    drop_unread(model.graph)
    return model


def _factor(operator: NodeProto, wiring: Wiring) -> tuple[str, Array | None]:
    """What a Mul multiplies, and the one number it multiplies it with."""
    import numpy as np

    for value, constant in (tuple(operator.input), tuple(reversed(operator.input))):
        array = wiring.constant(constant)
        if array is not None and array.size == 1 and array.ndim <= 1 and array.dtype == np.float32:
            return value, array.reshape(())
    return operator.input[0], None


def _multiply(graph: GraphProto, value: str, factor: Array, wiring: Wiring) -> bool:
    """Multiply the weights that a value comes from, if nothing else reads what they give."""
    given = wiring.giver(value)
    while given is not None and given.op_type in _MOVING and wiring.only_reader(value) is not None:
        value = given.input[0]
        given = wiring.giver(value)
    if given is None or wiring.only_reader(value) is None:
        return False
    places = []
    if given.op_type == "Add":
        place = 1 if wiring.is_constant(given.input[1]) else 0
        if not wiring.is_constant(given.input[place]):
            return False
        places.append((given, place))
        value = given.input[1 - place]
        given = wiring.giver(value)
        if given is None or wiring.only_reader(value) is None:
            return False
    if given.op_type == "MatMul" and wiring.is_constant(given.input[1]):
        places.append((given, 1))
    elif given.op_type == "Conv" and all(wiring.is_constant(name) for name in given.input[1:]):
        places += [(given, place) for place in range(1, len(given.input))]
    else:
        return False
    for operator, place in places:
        _replace(graph, operator, place, wiring.constant(operator.input[place]) * factor)
    return True


def _replace(graph: GraphProto, operator: NodeProto, place: int, array: Array) -> None:
    """Give an operator a weight of its own: others may read the old one."""
    from onnx import numpy_helper

    name = f"{operator.output[0]}/factored_{place}"
    graph.initializer.append(numpy_helper.from_array(array, name))
    operator.input[place] = name


def _bypass(graph: GraphProto, operator: NodeProto, value: str) -> None:
    """Leave an operator out; one that gives an output becomes an Identity."""
    if operator.output[0] in {item.name for item in graph.output}:
        operator.op_type = "Identity"
        del operator.input[:]
        operator.input.append(value)
        return
    from .walk import inside

    for reader in inside(graph.node):
        for place, name in enumerate(reader.input):
            if name == operator.output[0]:
                reader.input[place] = value
    graph.node.remove(operator)
