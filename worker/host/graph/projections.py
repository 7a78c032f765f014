"""One product in place of several: what multiplies the same value with constant matrices is multiplied once.

Attention does so: queries, keys and values come from one value, or from it plus places that are constant. A constant
that is added before a product is one that is added after it, (x + c) W = x W + c W.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .sort import sort
from .wiring import Wiring, drop_unread

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

    from .ranges import Measure

Array = Any

NAME = "projections"
DESCRIPTION = "Compute products of one value with several constant matrices as one product"
TOOLS = ("onnx", "numpy")
# What is added becomes as large as the value is; above this it would only fatten the model.
PARAMETERS: Mapping[str, Any] = {"largest_bytes": 64 << 20, "fewest": 2}
# The same sums in another order.
TOLERANCE = 2e-5

_FLOAT_BYTES = 4
# Before this opset the sizes of a Split are an attribute.
_SPLIT_BY_INPUT = 13


@dataclass(frozen=True)
class _Linear:
    """x W + b, of float32.

    Attributes:
        value: What is multiplied, with nothing constant added to it.
        bias: Of one row, or of every row its own; None for none.
        output: The name of the result.
        gone: The operators that it replaces.
    """

    value: str
    weight: Array
    bias: Array | None
    output: str
    gone: tuple[NodeProto, ...]


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with fewer and wider products; branches stay as they are."""
    if (
        max((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), default=0)
        < _SPLIT_BY_INPUT
    ):
        return model
    wiring = Wiring(model.graph)
    groups = defaultdict(list)
    for operator in model.graph.node:
        found = _linear(operator, wiring, parameters["largest_bytes"])
        if found is not None:
            groups[found.value].append(found)
    for number, group in enumerate(item for item in groups.values() if len(item) >= max(2, parameters["fewest"])):
        if _rank(group) and len({item.weight.shape[0] for item in group}) == 1:
            _join(model.graph, group, f"projections_{number}")
    drop_unread(model.graph)
    sort(model.graph)
    return model


def _linear(product: NodeProto, wiring: Wiring, largest_bytes: int) -> _Linear | None:
    """What a product with a constant matrix computes, with the constants around it."""
    import numpy as np

    if product.op_type != "MatMul" or product.domain not in ("", "ai.onnx"):
        return None
    weight = wiring.constant(product.input[1])
    if weight is None or weight.ndim != 2 or weight.dtype != np.float32:
        return None
    value, before = _without_constant(product.input[0], wiring)
    bias = None if before is None else _product(before, weight, largest_bytes)
    if before is not None and bias is None:
        value = product.input[0]
    after = wiring.only_reader(product.output[0])
    added = _bias_of(after, product.output[0], weight, wiring)
    if after is None or added is None or not (added.ndim == 1 or bias is None or added.shape == bias.shape):
        return _Linear(value, weight, bias, product.output[0], (product,))
    return _Linear(value, weight, added if bias is None else bias + added, after.output[0], (product, after))


def _bias_of(after: NodeProto | None, product: str, weight: Array, wiring: Wiring) -> Array | None:
    """What an Add adds to each row, if it is one and that is constant."""
    if after is None or after.op_type != "Add":
        return None
    added = wiring.constant(wiring.other_input(after, product))
    fits = added is not None and added.dtype == weight.dtype and added.shape[-1:] == weight.shape[1:]
    return added if fits else None


def _without_constant(name: str, wiring: Wiring) -> tuple[str, Array | None]:
    """A value that an Add of a constant gives, and that constant; else the value itself."""
    import numpy as np

    add = wiring.giver(name)
    if add is None or add.op_type != "Add":
        return name, None
    for value, constant in (tuple(add.input), tuple(reversed(add.input))):
        array = wiring.constant(constant)
        if array is not None and array.dtype == np.float32 and array.ndim > 1 and wiring.constant(value) is None:
            return value, array
    return name, None


def _product(constant: Array, weight: Array, largest_bytes: int) -> Array | None:
    """What the constant becomes behind the product; None where it would be too large, or is not of its rows."""
    import numpy as np

    size_bytes = constant.size // constant.shape[-1] * weight.shape[1] * _FLOAT_BYTES
    if constant.shape[-1] != weight.shape[0] or size_bytes > largest_bytes:
        return None
    return (constant.astype(np.float64) @ weight.astype(np.float64)).astype(np.float32)


def _rank(group: list[_Linear]) -> int:
    """The most axes that a bias has; 0 where they cannot stand side by side."""
    shapes = {item.bias.shape[:-1] for item in group if item.bias is not None and item.bias.ndim > 1}
    return max((len(shape) + 1 for shape in shapes), default=1) if len(shapes) < 2 else 0


def _join(graph: GraphProto, group: list[_Linear], stem: str) -> None:
    import numpy as np
    from onnx import helper, numpy_helper

    widths = [item.weight.shape[1] for item in group]
    rows = max((item.bias.shape[:-1] for item in group if item.bias is not None), key=len, default=())
    biases = [np.broadcast_to(_bias(item), (*rows, width)) for item, width in zip(group, widths, strict=True)]
    constants = {
        f"{stem}/weight": np.concatenate([item.weight for item in group], axis=1),
        f"{stem}/bias": np.ascontiguousarray(np.concatenate(biases, axis=-1)),
        f"{stem}/widths": np.array(widths, np.int64),
    }
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in constants.items())
    weight, bias, sizes = constants
    outputs = [item.output for item in group]
    for gone in (operator for item in group for operator in item.gone):
        graph.node.remove(gone)
    graph.node.extend(
        [
            helper.make_node("MatMul", [group[0].value, weight], [f"{stem}/product"], name=f"{stem}/product"),
            helper.make_node("Add", [f"{stem}/product", bias], [f"{stem}/sum"], name=f"{stem}/sum"),
            helper.make_node("Split", [f"{stem}/sum", sizes], outputs, name=f"{stem}/split", axis=-1),
        ]
    )


def _bias(item: _Linear) -> Array:
    import numpy as np

    return np.zeros(1, np.float32) if item.bias is None else item.bias
