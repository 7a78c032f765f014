"""Casts that ONNX Runtime's tool writes and that should not be there: some twice, some back and forth."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .walk import graphs

if TYPE_CHECKING:
    from collections.abc import Container

    from onnx import GraphProto, NodeProto


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
        graph: Changed in place; its branches stay as they are.
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
    for operator in graph.node:
        for place, name in enumerate(operator.input):
            operator.input[place] = joined.get(name, name)
    _drop_unread(graph, joined)
    _drop_unread(graph, narrowing)


def _to(cast: NodeProto) -> int:
    return next(int(attribute.i) for attribute in cast.attribute if attribute.name == "to")


def _drop_unread(graph: GraphProto, names: Container[str]) -> None:
    """Remove the casts that give one of these tensors which nothing reads any more."""
    read = {name for inner in graphs(graph) for operator in inner.node for name in operator.input}
    read.update(value.name for inner in graphs(graph) for value in inner.output)
    kept = [operator for operator in graph.node if operator.output[0] in read or operator.output[0] not in names]
    del graph.node[:]
    graph.node.extend(kept)
