"""Attention as the operator of the farm's plugin: one kernel that writes no score, and none that turns axes.

Products of queries and keys, their softmax, and its product with values become `FarmAttention`. Queries, keys and
values are read as linear layers give them, also where one layer gives all three, and the result is written as the next
takes it. Attention with a mask, or with sizes that nobody knows, stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from math import prod
from typing import TYPE_CHECKING, Any

from .rearranged import Origin, followed, origins, scaled
from .sort import sort
from .wiring import Wiring, drop_unread

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

    from .ranges import Measure

Array = Any
Shapes = Mapping[str, tuple[int, ...]]

NAME = "attention"
DESCRIPTION = "Write attention as the farm's plugin, with its heads side by side"
TOOLS = ("onnx", "numpy")
PARAMETERS: Mapping[str, Any] = {}
# The same sums in another order.
TOLERANCE = 2e-5

_PLUGIN, _DOMAIN = "FarmAttention", "farm.plugin"
_MOST_CHANNELS = 128
# From this opset on a Softmax is over one axis.
_ONE_AXIS = 13


@dataclass(frozen=True)
class _Rows:
    """Queries, keys or values in their tensor.

    Attributes:
        name: Of a tensor of batch, rows and channels; rows, batch and channels where rows are first.
        offset: Of the first channel.
        factor: What was multiplied with it.
        constant: The tensor, where it is one that is made here.
    """

    name: str
    batch: int
    heads: int
    rows: int
    channels: int
    offset: int
    factor: float
    constant: Array | None = None


@dataclass(frozen=True)
class _Found:
    """Attention in a graph: what it multiplies, and what its products give."""

    query: str
    key: str
    value: str
    factor: float
    output: str


@dataclass(frozen=True)
class _Way:
    """What the plugin takes, and the value that it gives."""

    query: _Rows
    key: _Rows
    value: _Rows
    scale: float
    rows_first: bool
    last: str

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Of its output."""
        ends = (self.query.rows, self.query.batch) if self.rows_first else (self.query.batch, self.query.rows)
        return (*ends, self.query.heads * self.query.channels)


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with the plugin; branches stay as they are."""
    from onnx import helper

    shapes, wiring, numbers = _shapes(model), Wiring(model.graph), count()
    newest = max((item.version for item in model.opset_import if item.domain in ("", "ai.onnx")), default=0)
    found = [_attention(item, wiring, shapes, newest) for item in model.graph.node if item.op_type == "Softmax"]
    changed = [_rewrite(model.graph, item, wiring, shapes, f"{NAME}_{next(numbers)}") for item in found if item]
    if any(changed):
        if _DOMAIN not in {item.domain for item in model.opset_import}:
            model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
        drop_unread(model.graph)
        sort(model.graph)
    return model


def _shapes(model: ModelProto) -> dict[str, tuple[int, ...]]:
    """Those that are known, of values of float32."""
    from onnx import TensorProto, shape_inference

    graph = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {}
    for value in (*graph.input, *graph.value_info, *graph.output):
        kind = value.type.tensor_type
        if kind.elem_type == TensorProto.FLOAT and kind.HasField("shape"):
            sizes = tuple(axis.dim_value for axis in kind.shape.dim)
            if all(sizes):
                shapes[value.name] = sizes
    return shapes


def _attention(softmax: NodeProto, wiring: Wiring, shapes: Shapes, opset: int) -> _Found | None:
    """What a Softmax is the middle of; None where that is no attention that the plugin computes."""
    axis = next((item.i for item in softmax.attribute if item.name == "axis"), -1 if opset >= _ONE_AXIS else 1)
    scores, factor = softmax.input[0], 1.0
    if axis not in (-1, len(shapes.get(scores, ())) - 1):
        return None
    while (multiplied := scaled(wiring.giver(scores), wiring)) is not None:
        scores, factor = multiplied[0], factor * multiplied[1]
    made, mixing = _product(wiring.giver(scores)), _product(wiring.only_reader(softmax.output[0]))
    if made is None or mixing is None or mixing.input[0] != softmax.output[0]:
        return None
    return _Found(made.input[0], made.input[1], mixing.input[1], factor, mixing.output[0])


def _product(operator: NodeProto | None) -> NodeProto | None:
    found = operator is not None and operator.op_type == "MatMul" and operator.domain in ("", "ai.onnx")
    return operator if found else None


def _rewrite(graph: GraphProto, found: _Found, wiring: Wiring, shapes: Shapes, stem: str) -> bool:
    """Put the plugin in the place of one attention, if it can read its tensors; whether it does."""
    ways = [_way(found, rows_first, wiring, shapes) for rows_first in (False, True)]
    # Heads that lie apart already look like more of a batch.
    best = max((way for way in ways if way is not None), key=lambda way: way.query.heads, default=None)
    if best is not None:
        _write(graph, best, shapes[best.last], stem)
    return best is not None


def _way(found: _Found, rows_first: bool, wiring: Wiring, shapes: Shapes) -> _Way | None:
    """How the plugin may read and write; None where it cannot."""
    query, key, value = (
        _rows(name, across, rows_first, wiring, shapes)
        for name, across in ((found.query, False), (found.key, True), (found.value, False))
    )
    if query is None or key is None or value is None:
        return None
    alike = {(item.batch, item.heads, item.channels) for item in (query, key, value)}
    scale = found.factor * query.factor * key.factor
    if len(alike) > 1 or key.rows != value.rows or value.factor != 1 or not scale > 0:
        return None
    last = _last(found.output, query, rows_first, wiring, shapes)
    return None if last is None else _Way(query, key, value, scale, rows_first, last)


def _rows(name: str, across: bool, rows_first: bool, wiring: Wiring, shapes: Shapes) -> _Rows | None:
    """The tensor in which the rows of a factor lie; `across` where its last two axes are turned."""
    constant = wiring.constant(name)
    if constant is not None:
        return _constant_rows(name, constant.swapaxes(-1, -2) if across else constant, rows_first)
    for origin in origins(name, wiring, shapes):
        found = _in_rows(origin, across, rows_first, shapes[origin.name])
        if found is not None:
            return found
    return None


def _constant_rows(name: str, heads: Array, rows_first: bool) -> _Rows | None:
    """The queries of a first layer are, as a rule: batch, heads, rows and channels."""
    if heads.ndim != 4 or heads.dtype != "float32" or not 0 < heads.shape[3] <= _MOST_CHANNELS:
        return None
    batch, count, rows, channels = heads.shape
    turned = heads.transpose((2, 0, 1, 3) if rows_first else (0, 2, 1, 3))
    made = turned.reshape(*turned.shape[:2], count * channels).copy()
    return _Rows(f"{name}/{NAME}", batch, count, rows, channels, 0, 1.0, made)


def _in_rows(origin: Origin, across: bool, rows_first: bool, shape: tuple[int, ...]) -> _Rows | None:
    """The elements as rows of all heads, if they lie so."""
    import numpy as np

    elements = origin.elements.swapaxes(-1, -2) if across and origin.elements.ndim > 1 else origin.elements
    if len(shape) != 3 or elements.ndim < 3:
        return None
    rows, channels = elements.shape[-2:]
    batch, width = shape[1 if rows_first else 0], shape[2]
    heads, rest = divmod(prod(elements.shape[:-2]), batch)
    if rest or shape[0 if rows_first else 1] != rows or channels > _MOST_CHANNELS:
        return None
    image, row = (width, batch * width) if rows_first else (rows * width, width)
    offset = int(elements.flat[0])
    steps = ((batch, image), (heads, channels), (rows, row), (channels, 1))
    wanted = offset + sum(
        np.arange(size).reshape(-1, *[1] * (3 - axis)) * step for axis, (size, step) in enumerate(steps)
    )
    if offset + heads * channels > width or not np.array_equal(elements.reshape(batch, heads, rows, channels), wanted):
        return None
    return _Rows(origin.name, batch, heads, rows, channels, offset, origin.factor)


def _last(name: str, query: _Rows, rows_first: bool, wiring: Wiring, shapes: Shapes) -> str | None:
    """The value behind the second product in which the heads of a row lie side by side, of the plugin's shape if any.

    None where there is none.
    """
    import numpy as np

    if name not in shapes:
        return None
    batch, heads, rows, channels = query.batch, query.heads, query.rows, query.channels
    order = (rows, batch, heads, channels) if rows_first else (batch, rows, heads, channels)
    numbered = np.arange(prod(order)).reshape(order).transpose((1, 2, 0, 3) if rows_first else (0, 2, 1, 3))
    found = [
        value
        for value, elements in followed(numbered.reshape(shapes[name]), name, wiring, shapes)
        if value in shapes and np.array_equal(elements.reshape(-1), np.arange(elements.size))
    ]
    exact = [value for value in found if shapes[value] == (*order[:2], heads * channels)]
    return next(iter((*exact, *reversed(found))), None)


def _write(graph: GraphProto, way: _Way, shape: tuple[int, ...], stem: str) -> None:
    """Put the plugin, and what makes its output a value of that shape, where the value was made."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    _forget(graph, way.last)
    taken = (way.query, way.key, way.value)
    attributes: dict[str, Any] = {"num_heads": way.query.heads, "head_size": way.query.channels, "scale": way.scale}
    if any(item.offset for item in taken):
        attributes["offsets"] = [item.offset for item in taken]
    if way.rows_first:
        attributes["sequence_first"] = 1
    made = way.last if way.sizes == shape else f"{stem}/made"
    names = [item.name for item in taken]
    known = {item.name for item in graph.initializer}
    made_here = {item.name: item.constant for item in taken if item.constant is not None and item.name not in known}
    graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in made_here.items())
    graph.node.append(helper.make_node(_PLUGIN, names, [made], name=stem, domain=_DOMAIN, **attributes))
    graph.value_info.append(helper.make_tensor_value_info(made, TensorProto.FLOAT, way.sizes))
    if made != way.last:
        graph.initializer.append(numpy_helper.from_array(np.array(shape, np.int64), f"{stem}/shape"))
        graph.node.append(helper.make_node("Reshape", [made, f"{stem}/shape"], [way.last], name=f"{stem}/reshape"))


def _forget(graph: GraphProto, name: str) -> None:
    """Remove what gives a value, and what was written down about it."""
    for operator in [item for item in graph.node if name in item.output]:
        graph.node.remove(operator)
    for value in [item for item in graph.value_info if item.name == name]:
        graph.value_info.remove(value)
