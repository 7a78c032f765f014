"""Who gives and who reads the values of one graph, and its constants as arrays."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

Array = Any


class Wiring:
    """A graph as it is at this moment; make a new one after a change.

    Args:
        graph: Its branches count as readers, and are not looked into.
    """

    def __init__(self, graph: GraphProto) -> None:
        from .walk import inside

        self._graph = graph
        self._weights = {weight.name: weight for weight in graph.initializer}
        self._inputs = {value.name for value in graph.input}
        self._given = {name: operator for operator in graph.node for name in operator.output}
        self._read: dict[str, list[NodeProto]] = defaultdict(list)
        for operator in inside(graph.node):
            for name in operator.input:
                self._read[name].append(operator)
        self._outputs = {value.name for value in graph.output}

    def giver(self, name: str) -> NodeProto | None:
        """The operator that gives a value."""
        return self._given.get(name)

    def readers(self, name: str) -> list[NodeProto]:
        """The operators that read a value, each as often as it does."""
        return self._read[name]

    def only_reader(self, name: str) -> NodeProto | None:
        """The operator that reads a value, where nothing else does and it is no output."""
        readers = self._read[name]
        return readers[0] if len(readers) == 1 and name not in self._outputs else None

    def is_constant(self, name: str) -> bool:
        """Whether a weight in memory gives the value."""
        return name in self._weights and name not in self._inputs and not self._weights[name].external_data

    def constant(self, name: str) -> Array | None:
        """A constant as an array; None for what is none."""
        from onnx import numpy_helper

        return numpy_helper.to_array(self._weights[name]) if self.is_constant(name) else None

    def other_input(self, operator: NodeProto, name: str) -> str:
        """The second input of an operator of two, whichever of both the first is."""
        first, second = operator.input
        return str(second if first == name else first)


def drop_unread(graph: GraphProto) -> None:
    """Remove the operators and weights whose values nothing reads any more, in place."""
    unread: list[NodeProto] | None = None
    while unread is None or unread:
        read = _read(graph)
        unread = [operator for operator in graph.node if read.isdisjoint(operator.output)]
        for operator in unread:
            graph.node.remove(operator)
    for weight in [weight for weight in graph.initializer if weight.name not in read]:
        graph.initializer.remove(weight)


def _read(graph: GraphProto) -> set[str]:
    """What operators read, also in branches, and what is an output or an input."""
    from .walk import graphs, inside

    read = {name for operator in inside(graph.node) for name in operator.input}
    read.update(value.name for one in graphs(graph) for value in one.output)
    return read | {value.name for value in graph.input}
