"""LayerNormalization in simpler operators, for builders that do not know it: TensorRT 8.5."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .ranges import Measure
from .walk import graphs

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

NAME = "layernorm"
DESCRIPTION = "Write LayerNormalization in simpler operators"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {}
# The same sums in another order.
TOLERANCE = 2e-5

_KIND = "LayerNormalization"
# From here on the axes of a reduction are an input.
_AXES_ARE_AN_INPUT = 18


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph without LayerNormalization; one whose axes or type nothing tells stays."""
    opset = max((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), default=0)
    for graph in graphs(model.graph):
        values = _values(graph)
        nodes = [made for node in graph.node for made in _replaced(node, values, opset)]
        copied = [type(node).FromString(node.SerializeToString()) for node in nodes]
        del graph.node[:]
        graph.node.extend(copied)
    return model


def _values(graph: GraphProto) -> dict[str, tuple[int, int | None]]:
    """Element type and number of axes of the values that the graph tells them of."""
    found: dict[str, tuple[int, int | None]] = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        found[value.name] = kind.elem_type, len(kind.shape.dim) if kind.HasField("shape") else None
    found.update({weight.name: (weight.data_type, len(weight.dims)) for weight in graph.initializer})
    return found


def _replaced(node: NodeProto, values: Mapping[str, tuple[int, int | None]], opset: int) -> list[NodeProto]:
    if node.op_type != _KIND or node.domain not in ("", "ai.onnx"):
        return [node]
    # The scale has the type of what it scales, and mostly is a weight, of which everything is known.
    kind = values.get(node.input[1], values.get(node.input[0], (0, None)))[0]
    axis = next((attribute.i for attribute in node.attribute if attribute.name == "axis"), -1)
    if axis >= 0:
        rank = values.get(node.input[0], (0, None))[1]
        if rank is None:
            return [node]
        axis -= rank
    return _Decomposition(node, list(range(axis, 0)), kind, opset).nodes() if kind else [node]


class _Decomposition:
    """One LayerNormalization in simpler operators, computed in float32 as it computes itself.

    Args:
        node: What is replaced.
        axes: Over which it normalises, counted from the last one.
        kind: Element type of what it takes.
        opset: Of the model.
    """

    def __init__(self, node: NodeProto, axes: list[int], kind: int, opset: int) -> None:
        self._node = node
        self._axes = axes
        self._kind = kind
        self._axes_are_an_input = opset >= _AXES_ARE_AN_INPUT
        self._stem = node.output[0]
        self._made: list[NodeProto] = []

    def nodes(self) -> list[NodeProto]:
        """Its operators, in order."""
        from onnx import TensorProto

        node, (_, mean, inverse) = self._node, [*self._node.output, "", ""][:3]
        bias = [name for name in node.input[2:] if name]
        x = node.input[0]
        if self._kind != TensorProto.FLOAT:
            x = self._op("Cast", [x], "float", to=TensorProto.FLOAT)
        mean = self._mean(x, "mean", mean)
        centred = self._op("Sub", [x, mean], "centred")
        variance = self._mean(self._op("Mul", [centred, centred], "squares"), "variance")
        deviation = self._op("Sqrt", [self._op("Add", [variance, self._epsilon()], "steadied")], "deviation")
        if inverse:
            self._op("Reciprocal", [deviation], "inverse", inverse)
        y = self._op("Div", [centred, deviation], "normal")
        if self._kind != TensorProto.FLOAT:
            y = self._op("Cast", [y], "typed", to=self._kind)
        y = self._op("Mul", [y, node.input[1]], "scaled", "" if bias else self._stem)
        if bias:
            self._op("Add", [y, bias[0]], "shifted", self._stem)
        return self._made

    def _op(self, kind: str, inputs: list[str], part: str, output: str = "", **attributes: Any) -> str:
        from onnx import helper

        named = output or f"{self._stem}/{part}"
        name = f"{self._node.name or self._stem}/{part}"
        self._made.append(helper.make_node(kind, inputs, [named], name=name, **attributes))
        return named

    def _constant(self, value: Any, part: str) -> str:
        from onnx import numpy_helper

        return self._op("Constant", [], part, value=numpy_helper.from_array(value, f"{self._stem}/{part}"))

    def _epsilon(self) -> str:
        import numpy as np

        given = [attribute.f for attribute in self._node.attribute if attribute.name == "epsilon"]
        return self._constant(np.array(given[0] if given else 1e-5, np.float32), "epsilon")

    def _mean(self, value: str, part: str, output: str = "") -> str:
        import numpy as np

        if self._axes_are_an_input:
            axes = self._constant(np.array(self._axes, np.int64), f"{part}_axes")
            return self._op("ReduceMean", [value, axes], part, output, keepdims=1)
        return self._op("ReduceMean", [value], part, output, axes=self._axes, keepdims=1)
