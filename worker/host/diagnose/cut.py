"""The beginning of a graph as a graph of its own: with the inputs of the whole, and what the rest would have read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..graph.model import Model
from ..graph.sort import takes
from ..graph.wiring import drop_unread

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto, ValueInfoProto


class Cutter:
    """Cuts a model after any number of its operators.

    Args:
        model: Its operators are in order.
    """

    def __init__(self, model: Model) -> None:
        from onnx import shape_inference

        self._model = model
        self._known = _typed(shape_inference.infer_shapes(model.proto))
        self._alive = _alive(model.proto)

    @property
    def places(self) -> tuple[int, ...]:
        """After how many operators the graph can be cut; the last place is behind all of them."""
        total = len(self._model.proto.graph.node)
        return (*(count for count in range(1, total) if self._ends(count)), total)

    def beginning(self, count: int) -> Model:
        """The first operators, one of `places` many, as a model."""
        if count == len(self._model.proto.graph.node):
            return self._model
        part = self._model.copy()
        graph = part.proto.graph
        ends = self._ends(count)
        kept = [type(item).FromString(item.SerializeToString()) for item in graph.node[:count]]
        del graph.node[:]
        graph.node.extend(kept)
        del graph.output[:]
        graph.output.extend(self._known[name] for name in ends)
        del graph.value_info[:]
        drop_unread(graph)
        return part

    def _ends(self, count: int) -> list[str]:
        """What a beginning gives: what the rest reads, if it depends on an input and has a type."""
        nodes = self._model.proto.graph.node
        read = {name for operator in nodes[count:] for name in takes(operator)}
        read.update(value.name for value in self._model.proto.graph.output)
        made = dict.fromkeys(name for operator in nodes[:count] for name in operator.output)
        last = set(nodes[count - 1].output)
        ends = [name for name in made if name in read and name in self._alive and name in self._known]
        # Without the last one, it is no more than the beginning before.
        return ends if last.intersection(ends) else []


def _typed(model: ModelProto) -> dict[str, ValueInfoProto]:
    values = (*model.graph.value_info, *model.graph.output)
    return {value.name: value for value in values if value.type.tensor_type.elem_type}


def _alive(model: ModelProto) -> set[str]:
    """What depends on the inputs."""
    alive = {value.name for value in model.graph.input}

    def reads(operator: NodeProto) -> bool:
        return any(name in alive for name in takes(operator))

    for operator in model.graph.node:
        if reads(operator):
            alive.update(operator.output)
    return alive
