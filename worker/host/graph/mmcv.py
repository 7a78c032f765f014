"""Operators of MMCV whose names TensorRT takes for its own, whatever their domain, under names of their own.

Its parser looks a name up among what it imports before it asks for a plugin, and reads no domain: the suppression of
MMCV, whose limits are attributes, would become the one of ONNX, whose limits are inputs, and find no box at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .sort import sort
from .walk import graphs, operators

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto

    from .ranges import Measure

NAME = "mmcv"
DESCRIPTION = "Write operators of MMCV that TensorRT would take for its own as what they are"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {}
# They are the same operators.
TOLERANCE = 2e-5

_DOMAINS = ("mmcv", "mmdeploy")
_SUPPRESSION, _SCATTER = "NonMaxSuppression", "ScatterND"
_PLUGIN, _PLUGIN_DOMAIN = "TRTNonMaxSuppression", "farm.plugin"
# The first opset of ONNX with ScatterND.
_SCATTER_OPSET = 11


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with the farm's plugin in the place of MMCV's suppression, and ONNX's scatter in that of MMCV's."""
    from onnx import helper

    opsets = {item.domain: item.version for item in model.opset_import}
    scatters = opsets.get("", opsets.get("ai.onnx", 0)) >= _SCATTER_OPSET
    for graph in graphs(model.graph):
        _rewrite(graph, scatters)
    used = {item.domain for item in operators(model)}
    if _PLUGIN_DOMAIN in used and _PLUGIN_DOMAIN not in opsets:
        model.opset_import.append(helper.make_opsetid(_PLUGIN_DOMAIN, 1))
    return model


def _rewrite(graph: GraphProto, scatters: bool) -> None:
    """Rewrite the operators of one graph, without those inside it."""
    found = [operator for operator in graph.node if operator.domain in _DOMAINS]
    for operator in found:
        if operator.op_type == _SUPPRESSION:
            operator.op_type, operator.domain = _PLUGIN, _PLUGIN_DOMAIN
        elif operator.op_type == _SCATTER and scatters:
            operator.domain = ""
            graph.node.append(_whole(operator))
    if found:
        sort(graph)


def _whole(operator: NodeProto) -> NodeProto:
    """Let the operator read its places as ONNX wants them, which are int32 for MMCV."""
    from onnx import TensorProto, helper

    given, made = operator.input[1], f"{operator.output[0]}/places"
    operator.input[1] = made
    return helper.make_node("Cast", [given], [made], f"{made}/Cast", to=TensorProto.INT64)
