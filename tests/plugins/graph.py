"""The model that is the node of a case and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .cases import Array, Case


def graph(case: Case, is_open: bool = False) -> Any:
    """Takes `x0`, `x1`, ... and gives `y0`, `y1`, ...

    Args:
        case: Says the sizes.
        is_open: They are open where those of its inputs differ, or else those of the first.
    """
    from onnx import helper

    every = case.every if is_open else case.every[:1]
    inputs = _values("x", list(zip(*every)))
    outputs = _values("y", list(zip(*map(case.wanted, every))))
    taken, made = ([value.name for value in values] for values in (inputs, outputs))
    node = helper.make_node(case.operator, taken, made, "node", domain="own", **case.attributes)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(helper.make_graph([node], "graph", inputs, outputs), opset_imports=opsets, ir_version=8)


def _values(letter: str, tensors: Sequence[Sequence[Array]]) -> list[Any]:
    """What a graph says of tensors, each with all of its contents."""
    from onnx import helper

    found = []
    for place, arrays in enumerate(tensors):
        name = f"{letter}{place}"
        sizes = [set(axis) for axis in zip(*(array.shape for array in arrays))]
        shape = [size.pop() if len(size) == 1 else f"{name}_{axis}" for axis, size in enumerate(sizes)]
        found.append(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(arrays[0].dtype), shape))
    return found
