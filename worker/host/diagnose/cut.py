"""The beginning of a graph as a graph of its own: with the inputs of the whole, and what the rest would have read."""

from __future__ import annotations

from collections.abc import Iterable
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
        self._total = len(model.proto.graph.node)
        alive = _alive(model.proto)
        self._made = [[name for name in item.output if name in alive] for item in model.proto.graph.node]
        # How many operators a beginning must have so that nothing after it reads a value.
        self._read = {name: number for number, item in enumerate(model.proto.graph.node) for name in takes(item)}
        self._read.update(dict.fromkeys((value.name for value in model.proto.graph.output), self._total))

    @property
    def places(self) -> tuple[int, ...]:
        """After how many operators the graph can be cut; the last place is behind all of them."""
        within = range(1, self._total)
        # Without a value of its last operator, a beginning is no more than the one before.
        return (*(count for count in within if any(self._ends(count, [count - 1]))), self._total)

    def beginning(self, count: int) -> Model:
        """The first operators, one of `places` many, as a model."""
        if count == self._total:
            return self._model
        part = self._model.copy()
        graph = part.proto.graph
        ends = self._ends(count, range(count))
        kept = [type(item).FromString(item.SerializeToString()) for item in graph.node[:count]]
        del graph.node[:]
        graph.node.extend(kept)
        del graph.output[:]
        graph.output.extend(self._known[name] for name in ends)
        del graph.value_info[:]
        drop_unread(graph)
        return part

    def _ends(self, count: int, makers: Iterable[int]) -> list[str]:
        """Of what some operators of a beginning give: what the rest reads, if it depends on an input and has a type."""
        made = (name for maker in makers for name in self._made[maker])
        return [name for name in made if self._read.get(name, 0) >= count and name in self._known]


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
