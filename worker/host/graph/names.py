"""Names of their own for what lies inside branches, loops and scans: ONNX lets graphs beside each other share them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .walk import graphs, inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from onnx import GraphProto, ModelProto


def distinguish(model: ModelProto) -> None:
    """Give every value a name that no other value of the model has, and every operator likewise; in place.

    What the model takes and gives keeps its names. Tools that know values by their names alone confuse no two after it.
    """
    _name_operators(model)
    taken: set[str] = set()
    for graph in graphs(model.graph):
        own = list(dict.fromkeys(_given(graph)))
        renamed = {name: _free(name, taken) for name in own if name in taken}
        taken.update(own)
        taken.update(renamed.values())
        if renamed:
            rename_values(graph, renamed)


def rename_reads(graph: GraphProto, renamed: Mapping[str, str]) -> None:
    """Read other values in the operators of a graph and of all graphs inside it; in place."""
    for operator in inside(graph.node):
        for place, name in enumerate(operator.input):
            operator.input[place] = renamed.get(name, name)


def _name_operators(model: ModelProto) -> None:
    seen: set[str] = set()
    for number, operator in enumerate(inside(model.graph.node)):
        if not operator.name or operator.name in seen:
            operator.name = f"{operator.op_type}_{number}_"
        seen.add(operator.name)


def _given(graph: GraphProto) -> Iterator[str]:
    """The names of the values that a graph itself takes, holds or computes."""
    yield from (value.name for value in graph.input)
    yield from (weight.name for weight in graph.initializer)
    yield from (name for operator in graph.node for name in operator.output if name)


def _free(name: str, taken: set[str]) -> str:
    number = 2
    while f"{name}_{number}" in taken:
        number += 1
    return f"{name}_{number}"


def rename_values(graph: GraphProto, renamed: Mapping[str, str]) -> None:
    """Rename values of a graph where they arise, and in all that reads them; in place."""
    rename_reads(graph, renamed)
    for operator in graph.node:
        for place, name in enumerate(operator.output):
            operator.output[place] = renamed.get(name, name)
    for value in (*graph.input, *graph.output, *graph.value_info):
        value.name = renamed.get(value.name, value.name)
    for weight in graph.initializer:
        weight.name = renamed.get(weight.name, weight.name)
    for inner in graphs(graph):
        # A branch may give a value of the graph around it.
        if inner is not graph:
            for value in inner.output:
                value.name = renamed.get(value.name, value.name)
