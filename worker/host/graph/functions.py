"""The functions of a model: what they come to once each call is written out, as every runtime does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

from graphlib import CycleError, TopologicalSorter

from farm.protocol.errors import Invalid

from .walk import inside

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

# The shape inference of ONNX goes no deeper, and runtimes that do overflow their stack.
DEEPEST = 100
# Large language models, exported with functions, come to some hundred thousand.
MOST_OPERATORS = 1_000_000

_Name = tuple[str, str, str]


def check_functions(model: ModelProto) -> None:
    """Refuse functions that call themselves, or that a runtime could not write out.

    A few hundred bytes of functions that call each other twice would keep a runtime busy for years.

    Raises: Invalid
    """
    bodies = {
        (function.domain, function.name, function.overload): tuple(inside(function.node))
        for function in model.functions
    }
    calls = {name: _calls(body, bodies) for name, body in bodies.items()}
    try:
        order = tuple(TopologicalSorter(calls).static_order())
    except CycleError as error:
        way = " -> ".join(_spelled(name) for name in reversed(error.args[1]))
        raise Invalid(
            f"a function of the model calls itself: {way[:200]}", "Export it again, without recursion."
        ) from error
    sizes: dict[_Name, int] = {}
    depths: dict[_Name, int] = {}
    for name in order:
        sizes[name] = _size(bodies[name], calls[name], sizes)
        depths[name] = 1 + max((depths[called] for called in calls[name]), default=0)
    deepest = max(depths, key=lambda name: depths[name], default=None)
    if deepest is not None and depths[deepest] > DEEPEST:
        raise Invalid(
            f"functions of the model call each other {depths[deepest]} deep, from {_spelled(deepest)} on; "
            f"ONNX allows {DEEPEST}",
            "Inline them with onnx.inliner.",
        )
    operators = tuple(inside(model.graph.node))
    total = _size(operators, _calls(operators, bodies), sizes)
    if total > MOST_OPERATORS:
        raise Invalid(
            f"the model has {total:,} operators once its functions are written out; no runtime takes so many",
            "Export it again; if that is meant, call its functions in a Loop.",
        )


def _calls(operators: Iterable[NodeProto], known: Iterable[_Name]) -> Counter[_Name]:
    named = Counter((operator.domain, operator.op_type, operator.overload) for operator in operators)
    return Counter({name: named[name] for name in known if named[name]})


def _size(operators: tuple[NodeProto, ...], calls: Counter[_Name], sizes: dict[_Name, int]) -> int:
    return len(operators) + sum(times * sizes[called] for called, times in calls.items())


def _spelled(name: _Name) -> str:
    return "::".join(part for part in name if part)
