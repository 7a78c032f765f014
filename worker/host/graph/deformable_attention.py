"""Multi-scale deformable attention as aloception exports it, written as the operator of the farm's plugin.

It loses its sixth input (`im2col_step`, which changes no number), and the sizes of its levels become int32 without the
axis of one that the plugin it was written for wanted in front.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

from .sort import sort
from .walk import graphs, operators
from .wiring import Wiring, drop_unread

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

    from .ranges import Measure

NAME = "deformable_attention"
DESCRIPTION = "Write aloception's deformable attention as the operator of the farm's plugin"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {}
# It is the same operator.
TOLERANCE = 2e-5

_KIND, _DOMAIN = "ms_deform_attn_forward", "alonet_custom"
_PLUGIN, _PLUGIN_DOMAIN = "MMCVMultiScaleDeformableAttention", "farm.plugin"
_INPUTS = 5
# Places of the inputs that are whole numbers, and their shapes.
_WHOLE = {1: (-1, 2), 2: (-1,)}


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with the plugin's operator, in branches too."""
    from onnx import helper

    numbers = count()
    changed = [_rewrite(graph, numbers) for graph in graphs(model.graph)]
    if not any(changed):
        return model
    drop_unread(model.graph)
    domains = {item.domain for item in operators(model)}
    kept = [item for item in model.opset_import if item.domain != _DOMAIN or _DOMAIN in domains]
    if _PLUGIN_DOMAIN not in {item.domain for item in kept}:
        kept.append(helper.make_opsetid(_PLUGIN_DOMAIN, 1))
    opsets = [type(item).FromString(item.SerializeToString()) for item in kept]
    del model.opset_import[:]
    model.opset_import.extend(opsets)
    return model


def _rewrite(graph: GraphProto, numbers: Iterator[int]) -> bool:
    """Rewrite the operators of one graph, without those inside it; whether there were any."""
    found = [item for item in graph.node if item.op_type == _KIND and item.domain == _DOMAIN]
    wiring = Wiring(graph)
    made: dict[tuple[str, int], str] = {}
    for operator in found:
        operator.op_type, operator.domain = _PLUGIN, _PLUGIN_DOMAIN
        del operator.input[_INPUTS:]
        del operator.attribute[:]
        for place in _WHOLE:
            key = operator.input[place], place
            if key not in made:
                made[key] = _whole(graph, wiring, *key, f"{NAME}_{next(numbers)}")
            operator.input[place] = made[key]
    if found:
        sort(graph)
    return bool(found)


def _whole(graph: GraphProto, wiring: Wiring, name: str, place: int, made: str) -> str:
    """Make the value as the plugin takes it, a constant where it is one, else computed; its name, `made`."""
    import numpy as np
    from onnx import numpy_helper

    known = wiring.constant(name)
    if known is not None:
        graph.initializer.append(numpy_helper.from_array(known.astype(np.int32).reshape(_WHOLE[place]), made))
    else:
        shape = numpy_helper.from_array(np.array(_WHOLE[place], np.int64), f"{made}/shape")
        graph.initializer.append(shape)
        graph.node.extend(_computed(name, made, shape.name))
    return made


def _computed(name: str, made: str, shape: str) -> Iterator[NodeProto]:
    from onnx import TensorProto, helper

    yield helper.make_node("Cast", [name], [f"{made}/int32"], f"{made}/Cast", to=TensorProto.INT32)
    yield helper.make_node("Reshape", [f"{made}/int32", shape], [made], f"{made}/Reshape")
