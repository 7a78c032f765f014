"""Replacing operators one by one, where what is told of the values around them decides how."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .walk import graphs

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

Array = Any
Shape = tuple[int | None, ...]
_OWN = ("", "ai.onnx")


class Site:
    """The place of one operator: what is told of values there, and what takes its place.

    Args:
        node: The operator.
        values: Of all graphs around it.
        opset: Of ONNX's own operators.
    """

    def __init__(self, node: NodeProto, values: Values, opset: int) -> None:
        self.node = node
        self.opset = opset
        self.made: list[NodeProto] = []
        self._values = values

    def input(self, place: int) -> str:
        """The name of an input; empty where it is left out."""
        return str(self.node.input[place]) if place < len(self.node.input) else ""

    def attribute(self, name: str, otherwise: Any = None) -> Any:
        """An attribute, or what it is where nothing is given."""
        from onnx import helper

        found = [helper.get_attribute_value(item) for item in self.node.attribute if item.name == name]
        return found[0] if found else otherwise

    def shape(self, name: str) -> Shape | None:
        """The sizes of a value, None for each that nothing tells; None where not even their number is told."""
        return self._values.shapes.get(name)

    def kind(self, name: str) -> int:
        """The element type of a value; 0 where nothing tells it."""
        return self._values.kinds.get(name, 0)

    def constant(self, name: str) -> Array | None:
        """The array that a weight in memory or a Constant gives."""
        from onnx import numpy_helper

        found = self._values.constants.get(name)
        return None if found is None else numpy_helper.to_array(found)

    def giver(self, name: str) -> NodeProto | None:
        """The operator that gives a value."""
        return self._values.givers.get(name)

    def weight(self, part: str, array: Array) -> str:
        """The name of a new weight."""
        return self._values.add(f"{self.node.output[0]}/{part}", array)

    def op(self, kind: str, inputs: Iterable[str], part: str = "", **attributes: Any) -> str:
        """Add an operator before the next; it gives a value of its own, or without `part` what the replaced one gave.

        Returns: The name of what it gives.
        """
        from onnx import helper

        output = self._values.free(f"{self.node.output[0]}/{part}") if part else self.node.output[0]
        name = f"{self.node.name or self.node.output[0]}/{part or kind}"
        made = helper.make_node(kind, list(inputs), [output], name=name, **attributes)
        # Where an exporter says that the operator came from.
        made.metadata_props.extend(self.node.metadata_props)
        self.made.append(made)
        return output

    def same(self, inputs: Iterable[str]) -> None:
        """The operator itself, with other inputs."""
        copy = type(self.node).FromString(self.node.SerializeToString())
        del copy.input[:]
        copy.input.extend(inputs)
        self.made.append(copy)


# Fills the `made` of a site, or leaves it empty for an operator that stays.
Rule = Callable[[Site], None]


def rewrite(model: ModelProto, rules: dict[str, Rule], anywhere: bool = False) -> int:
    """Replace operators by rules, in all graphs of a model, in place.

    Args:
        model: Its shapes are inferred for the rules, and not written down.
        rules: By operator.
        anywhere: In every domain; else ONNX's own operators only.

    Returns: How many operators were replaced.
    """
    named = [node for graph in graphs(model.graph) for node in graph.node if node.op_type in rules]
    if not any(anywhere or node.domain in _OWN for node in named):
        return 0
    return _rewrite(model, rules, anywhere)


def opset_of(model: ModelProto) -> int:
    """The version of ONNX's own operators."""
    return max((item.version for item in model.opset_import if item.domain in _OWN), default=0)


def _rewrite(model: ModelProto, rules: dict[str, Rule], anywhere: bool) -> int:
    from onnx import shape_inference

    told = shape_inference.infer_shapes(model, data_prop=True)
    opset, replaced = opset_of(model), 0
    outer = Values(model.graph, told.graph)
    pairs = list(zip(graphs(model.graph), graphs(told.graph), strict=True))
    for graph, inferred in pairs:
        values = outer if graph is model.graph else Values(graph, inferred, outer)
        kept: list[NodeProto] = []
        for node in graph.node:
            site = Site(node, values, opset)
            if node.op_type in rules and (anywhere or node.domain in _OWN):
                rules[node.op_type](site)
            replaced += bool(site.made)
            kept += [type(made).FromString(made.SerializeToString()) for made in site.made or [node]]
        if len(kept) != len(graph.node) or any(one != other for one, other in zip(kept, graph.node, strict=True)):
            del graph.node[:]
            graph.node.extend(kept)
    return replaced


class Values:
    """What is told of the values of one graph, and of the graph around it.

    Args:
        graph: New weights go there.
        inferred: The same with its shapes.
        outer: Of the outermost graph.
    """

    def __init__(self, graph: GraphProto, inferred: GraphProto, outer: Values | None = None) -> None:
        self._graph = graph
        self.shapes: dict[str, Shape] = dict(outer.shapes) if outer else {}
        self.kinds: dict[str, int] = dict(outer.kinds) if outer else {}
        self.constants: dict[str, TensorProto] = dict(outer.constants) if outer else {}
        self.givers: dict[str, NodeProto] = dict(outer.givers) if outer else {}
        for value in (*inferred.input, *inferred.value_info, *inferred.output):
            tensor = value.type.tensor_type
            self.kinds[value.name] = tensor.elem_type
            if tensor.HasField("shape"):
                self.shapes[value.name] = tuple(
                    axis.dim_value if axis.HasField("dim_value") else None for axis in tensor.shape.dim
                )
        for weight in graph.initializer:
            self.kinds[weight.name], self.shapes[weight.name] = weight.data_type, tuple(weight.dims)
            if not weight.external_data:
                self.constants[weight.name] = weight
        for node in graph.node:
            self.givers.update(dict.fromkeys(node.output, node))
            tensors = [item.t for item in node.attribute if node.op_type == "Constant" and item.HasField("t")]
            if tensors:
                self.constants[node.output[0]] = tensors[0]

    def add(self, name: str, array: Array) -> str:
        """The name of a new weight of the graph."""
        import numpy as np
        from onnx import numpy_helper

        free = self.free(name)
        self._graph.initializer.append(numpy_helper.from_array(np.asarray(array), free))
        self.kinds[free], self.shapes[free] = self._graph.initializer[-1].data_type, tuple(np.shape(array))
        self.constants[free] = self._graph.initializer[-1]
        return free

    def free(self, name: str) -> str:
        """The name, or with a number after it where something else has it."""
        free, number = name, 2
        while free in self.kinds or free in self.givers:
            free, number = f"{name}_{number}", number + 1
        return free
