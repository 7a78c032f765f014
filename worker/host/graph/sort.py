"""The order of operators: each after those whose values it takes, also from inside its branches."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from graphlib import TopologicalSorter

from .walk import graphs, inside

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto


def sort(outer: GraphProto) -> None:
    """Bring the operators of a graph, and of the graphs inside it, into an order that ONNX allows; in place.

    Raises: graphlib.CycleError: there is none.
    """
    for graph in graphs(outer):
        nodes = list(graph.node)
        maker = {name: index for index, node in enumerate(nodes) for name in node.output if name}
        sorter = TopologicalSorter(
            {index: {maker[name] for name in takes(node) if name in maker} for index, node in enumerate(nodes)}
        )
        ordered = [type(nodes[index]).FromString(nodes[index].SerializeToString()) for index in sorter.static_order()]
        del graph.node[:]
        graph.node.extend(ordered)


def takes(node: NodeProto) -> Iterator[str]:
    """The values an operator needs; those that its branches make themselves have other names."""
    for operator in inside([node]):
        yield from operator.input
    for attribute in node.attribute:
        for branch in (*attribute.graphs, *([attribute.g] if attribute.HasField("g") else [])):
            yield from (value.name for graph in graphs(branch) for value in graph.output)
