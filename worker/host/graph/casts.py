"""Casts that ONNX Runtime's tool writes and that should not be there: some outside, some twice, some back and forth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .names import rename_reads
from .walk import graphs

if TYPE_CHECKING:
    from collections.abc import Container, Iterator

    from onnx import GraphProto, NodeProto


def bring_home(graph: GraphProto) -> None:
    """Move each cast of the outermost graph to the graph that gives what it casts.

    Args:
        graph: The outermost one, whose values have names of their own; changed in place, with the graphs inside it.
    """
    home = {name: inner for inner in graphs(graph) if inner is not graph for name in _given(inner)}
    strays = [operator for operator in graph.node if operator.op_type == "Cast" and operator.input[0] in home]
    for stray in strays:
        home[stray.input[0]].node.append(stray)
        graph.node.remove(stray)


def drop_repeated(graph: GraphProto) -> None:
    """Keep one of the casts that the tool writes for each reader of a tensor, all of them under one name.

    Args:
        graph: Changed in place, with the graphs inside it.
    """
    for inner in graphs(graph):
        given: set[str] = set()
        kept = []
        for operator in inner.node:
            if operator.op_type != "Cast" or operator.output[0] not in given:
                kept.append(operator)
            given.update(operator.output)
        del inner.node[:]
        inner.node.extend(kept)


def join_casts(graph: GraphProto, own: Container[str]) -> None:
    """Hand on in float32 what goes from float32 through float16 to float32.

    Args:
        graph: Changed in place; its branches only read other names.
        own: Names of the operators that were there before the tool: none of their casts is touched.
    """
    from onnx import TensorProto

    made = [operator for operator in graph.node if operator.op_type == "Cast" and operator.name not in own]
    narrowing = {operator.output[0]: operator for operator in made if _to(operator) == TensorProto.FLOAT16}
    given = {value.name for value in graph.output}
    joined = {}
    for operator in made:
        narrow = narrowing.get(operator.input[0])
        if narrow is None or _to(operator) != TensorProto.FLOAT:
            continue
        if operator.output[0] in given:
            operator.op_type, operator.input[0] = "Identity", narrow.input[0]
            del operator.attribute[:]
        else:
            joined[operator.output[0]] = narrow.input[0]
    rename_reads(graph, joined)
    _drop_unread(graph, joined)
    _drop_unread(graph, narrowing)


def _given(graph: GraphProto) -> Iterator[str]:
    yield from (value.name for value in graph.input)
    yield from (name for operator in graph.node for name in operator.output)


def _to(cast: NodeProto) -> int:
    return next(int(attribute.i) for attribute in cast.attribute if attribute.name == "to")


def _drop_unread(graph: GraphProto, names: Container[str]) -> None:
    """Remove the casts that give one of these tensors which nothing reads any more."""
    read = {name for inner in graphs(graph) for operator in inner.node for name in operator.input}
    read.update(value.name for inner in graphs(graph) for value in inner.output)
    kept = [operator for operator in graph.node if operator.output[0] in read or operator.output[0] not in names]
    del graph.node[:]
    graph.node.extend(kept)
