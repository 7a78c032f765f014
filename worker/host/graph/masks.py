"""Choices by a mask as arithmetic: a builder that computes in int8 has no such choice, and no truth values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .ranges import Measure
from .rewrite import Site, rewrite
from .walk import graphs
from .wiring import Wiring

if TYPE_CHECKING:
    from onnx import ModelProto

NAME = "masks"
DESCRIPTION = "Write a Where that fills what a mask covers with one number as a product and a sum"
TOOLS = ("onnx",)
# Minus infinity times zero is no number. After Softmax nothing is left of either.
PARAMETERS: Mapping[str, Any] = {"lowest": -10000.0}
# x * 1 + fill * 0 is x.
TOLERANCE = 2e-5


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with `x * keep + fill * (1 - keep)` for each choice between float values and one constant number."""
    swallowed = _swallowed(model)
    rewrite(model, {"Where": lambda site: _where(site, parameters["lowest"], swallowed)})
    return model


def _swallowed(model: ModelProto) -> set[str]:
    """Values of which nothing is left where they are far below others: those that only Softmax reads, or a sum does."""
    found: set[str] = set()
    for graph in graphs(model.graph):
        wiring = Wiring(graph)
        for operator in reversed(graph.node):
            if operator.op_type == "Softmax" or (operator.op_type == "Add" and operator.output[0] in found):
                found.update(name for name in operator.input if wiring.only_reader(name) is not None)
    return found


def _where(site: Site, lowest: float, swallowed: set[str]) -> None:
    import numpy as np
    from onnx import TensorProto, helper

    mask, inverted = _without_not(site)
    first, second = (site.input(2), site.input(1)) if inverted else (site.input(1), site.input(2))
    kind = site.kind(first) or site.kind(second)
    fills = [name for name in (first, second) if _is_fill(site, name)]
    if kind not in (TensorProto.FLOAT, TensorProto.FLOAT16) or not fills:
        return
    dtype = helper.tensor_dtype_to_np_dtype(kind)
    filled = max(fills, key=lambda name: abs(_number(site, name)))
    value = second if filled == first else first
    number = _number(site, filled)
    if number > -lowest or (number < lowest and site.node.output[0] not in swallowed):
        return
    chosen = site.op("Cast", [mask], "mask", to=kind)
    other = site.op("Sub", [site.weight("one", dtype.type(1)), chosen], "rest")
    cover, keep = (chosen, other) if filled == first else (other, chosen)
    fill = site.weight("fill", np.full_like(np.asarray(site.constant(filled)), max(number, lowest), dtype))
    site.op("Add", [site.op("Mul", [value, keep], "kept"), site.op("Mul", [cover, fill], "filled")])


def _without_not(site: Site) -> tuple[str, bool]:
    """The mask, without a Not before it, and whether there was one."""
    giver = site.giver(site.input(0))
    return (str(giver.input[0]), True) if giver is not None and giver.op_type == "Not" else (site.input(0), False)


def _is_fill(site: Site, name: str) -> bool:
    """One constant number, or many times the same."""
    array = site.constant(name)
    return array is not None and array.size > 0 and array.dtype.kind == "f" and bool((array == array.flat[0]).all())


def _number(site: Site, name: str) -> float:
    """The number that a constant consists of."""
    array = site.constant(name)
    return float("nan") if array is None else float(array.flat[0])
