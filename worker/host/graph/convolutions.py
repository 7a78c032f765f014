"""Products with constant matrices as convolutions of one pixel: what builders fuse with what follows.

TensorRT 8.5 computes such a product as a convolution, too, but what adds the bias, cuts off what is negative and adds
the value of before stays behind it: each an operator of its own that reads and writes everything once more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .sort import sort
from .wiring import Wiring, drop_unread

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

    from .ranges import Measure

Array = Any
Shapes = Mapping[str, tuple[int, ...]]

NAME = "convolutions"
DESCRIPTION = "Write products with constant matrices as convolutions of one pixel"
TOOLS = ("onnx", "numpy")
PARAMETERS: Mapping[str, Any] = {}
# The same sums in another order.
TOLERANCE = 2e-5

_NEW = "/replaced"


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with those convolutions; values with more than one open axis, and branches, stay as they are."""
    shapes, wiring = _shapes(model), Wiring(model.graph)
    gone: set[str] = set()
    products = [item for item in model.graph.node if item.op_type == "MatMul" and item.domain in ("", "ai.onnx")]
    for product in products:
        weight, shape = wiring.constant(product.input[1]), shapes.get(product.output[0], ())
        if weight is not None and weight.ndim == 2 and weight.dtype == "float32" and len(shape) > 1:
            _Convolution(model.graph, product.output[0], shape).make(product, weight, wiring, shapes, gone)
    kept = [operator for operator in model.graph.node if gone.isdisjoint(operator.output)]
    copied = [type(operator).FromString(operator.SerializeToString()) for operator in kept]
    del model.graph.node[:]
    model.graph.node.extend(copied)
    _rename(model.graph, gone)
    drop_unread(model.graph)
    sort(model.graph)
    return model


def _shapes(model: ModelProto) -> dict[str, tuple[int, ...]]:
    """The shapes that are known, as a Reshape takes them: at most one open axis, which is -1."""
    from onnx import shape_inference

    graph = shape_inference.infer_shapes(model).graph
    found = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        sizes = tuple(axis.dim_value if axis.HasField("dim_value") else -1 for axis in kind.shape.dim)
        if kind.HasField("shape") and sizes.count(-1) <= 1 and 0 not in sizes:
            found[value.name] = sizes
    return found


class _Convolution:
    """One product as a convolution, with what follows it.

    Args:
        graph: Gets the operators; those that they replace are still there.
        stem: Of their names.
        shape: Of the result.
    """

    def __init__(self, graph: GraphProto, stem: str, shape: tuple[int, ...]) -> None:
        self._graph = graph
        self._stem = f"{stem}/{NAME}"
        self._shape = shape

    def make(self, product: NodeProto, weight: Array, wiring: Wiring, shapes: Shapes, gone: set[str]) -> None:
        """Write it: the product, the bias after it, and a Relu or the sum with an older value after that."""
        import numpy as np

        rows, columns = weight.shape
        taken = [
            self._pixels(product.input[0], rows, "taken"),
            self._weight("weight", np.ascontiguousarray(weight.T).reshape(columns, rows, 1, 1)),
        ]
        last, after = product.output[0], wiring.only_reader(product.output[0])
        gone.add(last)
        bias = _bias(after, last, columns, wiring)
        if after is not None and bias is not None:
            taken.append(self._weight("bias", bias))
            last, after = after.output[0], wiring.only_reader(after.output[0])
            gone.add(last)
        # Said, though the weight tells it: a parser cannot ask a weight that is quantized.
        made = self._operator("Conv", taken, "made", kernel_shape=[1, 1])
        if after is not None and after.output[0] not in gone:
            past = self._past(after, last, wiring, shapes)
            if after.op_type == "Relu" or past:
                made = self._operator(after.op_type, [made, *past], "followed")
                last = after.output[0]
                gone.add(last)
        self._operator("Reshape", [made, self._weight("sizes", np.array(self._shape, np.int64))], "", last)

    def _past(self, after: NodeProto, last: str, wiring: Wiring, shapes: Shapes) -> list[str]:
        """The other value of a sum, as pixels; nothing where it is no sum of values of one shape."""
        if after.op_type != "Add":
            return []
        other = wiring.other_input(after, last)
        if wiring.is_constant(other) or shapes.get(other) != self._shape:
            return []
        return [self._pixels(other, self._shape[-1], "past")]

    def _pixels(self, value: str, channels: int, part: str) -> str:
        import numpy as np

        sizes = self._weight(f"{part}_sizes", np.array([-1, channels, 1, 1], np.int64))
        return self._operator("Reshape", [value, sizes], part)

    def _weight(self, part: str, array: Array) -> str:
        from onnx import numpy_helper

        self._graph.initializer.append(numpy_helper.from_array(array, f"{self._stem}/{part}"))
        return f"{self._stem}/{part}"

    def _operator(self, kind: str, inputs: list[str], part: str, replaced: str = "", **attributes: Any) -> str:
        from onnx import helper

        output = replaced + _NEW if replaced else f"{self._stem}/{part}"
        self._graph.node.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output


def _rename(graph: GraphProto, gone: set[str]) -> None:
    """Give what replaces an operator the name of its output, now that the operator is gone."""
    for operator in graph.node:
        for place, name in enumerate(operator.output):
            if name.endswith(_NEW) and name.removesuffix(_NEW) in gone:
                operator.output[place] = name.removesuffix(_NEW)


def _bias(after: NodeProto | None, product: str, columns: int, wiring: Wiring) -> Array | None:
    """What an Add adds to each row, if it is one and that is constant."""
    if after is None or after.op_type != "Add":
        return None
    added = wiring.constant(wiring.other_input(after, product))
    if added is None or added.dtype != "float32" or added.size != columns or added.shape[-1:] != (columns,):
        return None
    return added.reshape(columns)
