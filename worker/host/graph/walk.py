"""Every graph, operator and tensor of a model, also those inside branches, loops and functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto


def graphs(graph: GraphProto) -> Iterator[GraphProto]:
    """The graph and all graphs inside it, the outer ones first."""
    yield graph
    for operator in graph.node:
        yield from _inner_graphs(operator)


def operators(model: ModelProto) -> Iterator[NodeProto]:
    """All operators of a model, those of its functions too."""
    yield from inside(model.graph.node)
    for function in model.functions:
        yield from inside(function.node)


def inside(outer: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """These operators, and all in the graphs inside them."""
    for operator in outer:
        yield operator
        for inner in _inner_graphs(operator):
            yield from inner.node


def tensors(model: ModelProto) -> Iterator[TensorProto]:
    """All constant tensors: weights, and those in attributes."""
    for graph in graphs(model.graph):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield sparse.values
            yield sparse.indices
    for operator in operators(model):
        for attribute in operator.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def count(model: ModelProto) -> int:
    """How many operators a model has."""
    return sum(1 for _ in operators(model))


def histogram(model: ModelProto) -> dict[str, int]:
    """Operator to how often it occurs, most frequent first; `domain::Name` outside of ONNX's own domain."""
    counted = Counter(qualified(operator) for operator in operators(model))
    return dict(counted.most_common())


def qualified(operator: NodeProto) -> str:
    """The name of an operator with its domain, where that is not ONNX's own."""
    own = operator.domain in ("", "ai.onnx")
    return str(operator.op_type) if own else f"{operator.domain}::{operator.op_type}"


def _inner_graphs(operator: NodeProto) -> Iterator[GraphProto]:
    for attribute in operator.attribute:
        if attribute.HasField("g"):
            yield from graphs(attribute.g)
        for inner in attribute.graphs:
            yield from graphs(inner)
