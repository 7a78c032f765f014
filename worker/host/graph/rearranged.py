"""Values that are only moved: which element of an older value each of their elements is.

A chain of Reshape, Transpose, Split and the like is tried on the numbers of the elements, so that any spelling of the
same movement is the same. Shapes must be known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import NodeProto

    from .wiring import Wiring

Array = Any
Shapes = Mapping[str, tuple[int, ...]]

# They give the same elements in the same order; the shape of their output says the rest.
_ORDERLY = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity")
_MOVING = (*_ORDERLY, "Transpose", "Split", "Gather")
_SCALING = ("Mul", "Div")
# More elements than this are not worth the time.
_MOST_ELEMENTS = 1 << 25


@dataclass(frozen=True)
class Origin:
    """Where a value comes from.

    Attributes:
        name: An older value.
        elements: Which of its elements each element is, of the shape of the value.
        factor: What they were multiplied with on the way.
    """

    name: str
    elements: Array
    factor: float


def origins(name: str, wiring: Wiring, shapes: Shapes) -> Iterator[Origin]:
    """Every value that this one is moved from, the oldest first, and itself last."""
    import numpy as np

    for names, operators, factor in reversed(list(_chain(name, wiring))):
        shape = shapes.get(names[-1])
        if shape is not None and _count(shape) <= _MOST_ELEMENTS:
            elements = np.arange(_count(shape)).reshape(shape)
            found = _through(elements, list(zip(reversed(operators), reversed(names[:-1]))), wiring, shapes)
            if found is not None:
                yield Origin(names[-1], found, factor)


def followed(elements: Array, name: str, wiring: Wiring, shapes: Shapes) -> Iterator[tuple[str, Array]]:
    """A value and those that it is moved to, as long as only one operator reads it, each with its elements."""
    reader: NodeProto | None
    while True:
        yield name, elements
        reader = wiring.only_reader(name)
        if reader is None or reader.op_type not in (*_ORDERLY, "Transpose") or reader.input[0] != name:
            return
        moved = _moved(elements, reader, reader.output[0], wiring, shapes)
        if moved is None:
            return
        name, elements = reader.output[0], moved


def scaled(operator: NodeProto | None, wiring: Wiring) -> tuple[str, float] | None:
    """What a Mul or Div by one constant number takes, and the factor that it is; None for anything else."""
    if operator is None or operator.op_type not in _SCALING or operator.domain not in ("", "ai.onnx"):
        return None
    pairs = [tuple(operator.input), tuple(reversed(operator.input))]
    for value, constant in pairs[:1] if operator.op_type == "Div" else pairs:
        number = wiring.constant(constant)
        # One of more axes than the value would give the result an axis.
        if number is not None and number.size == 1 and number.ndim <= 1 and wiring.constant(value) is None:
            factor = float(number.reshape(()))
            if operator.op_type == "Mul":
                return value, factor
            return (value, 1 / factor) if factor else None
    return None


def _chain(name: str, wiring: Wiring) -> Iterator[tuple[list[str], list[NodeProto], float]]:
    """The values from this one back, the operators between them, and the product of factors."""
    names, factor = [name], 1.0
    operators: list[NodeProto] = []
    while True:
        yield list(names), list(operators), factor
        operator = wiring.giver(names[-1])
        multiplied = scaled(operator, wiring)
        if operator is None or operator.domain not in ("", "ai.onnx"):
            return
        if multiplied is not None:
            factor *= multiplied[1]
            names.append(multiplied[0])
        elif operator.op_type in _MOVING:
            names.append(operator.input[0])
        else:
            return
        operators.append(operator)


def _through(elements: Array, steps: list[tuple[NodeProto, str]], wiring: Wiring, shapes: Shapes) -> Array | None:
    for operator, output in steps:
        if operator.op_type not in _SCALING:
            elements = _moved(elements, operator, output, wiring, shapes)
        if elements is None:
            return None
    return elements


def _moved(elements: Array, operator: NodeProto, output: str, wiring: Wiring, shapes: Shapes) -> Array | None:
    """What an operator makes of numbered elements; None where that is not known."""
    shape = shapes.get(output)
    if operator.op_type == "Transpose":
        return elements.transpose(_ints(operator, "perm") or None)
    if shape is None:
        return None
    if operator.op_type in _ORDERLY:
        return elements.reshape(shape) if elements.size == _count(shape) else None
    axis = next((item.i for item in operator.attribute if item.name == "axis"), 0)
    if operator.op_type == "Gather":
        place = wiring.constant(operator.input[1])
        return None if place is None else elements.take(place, axis=axis)
    sizes = [shapes.get(name) for name in operator.output]
    before = sizes[: list(operator.output).index(output)]
    if None in before:
        return None
    first = sum(size[axis] for size in before if size is not None)
    return elements.take(range(first, first + shape[axis]), axis=axis)


def _ints(operator: NodeProto, name: str) -> list[int]:
    return next((list(item.ints) for item in operator.attribute if item.name == name), [])


def _count(shape: Sequence[int]) -> int:
    from math import prod

    return prod(shape)
