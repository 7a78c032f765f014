"""LayerNormalization as the plugin LayerNorm of NVIDIA's library, for TensorRT 8.5: one kernel in place of five.

The operator gets a domain of its own, in which a function tells what it means. So it runs and is compared here, while
the parser of TensorRT 8.5, which knows no functions and reads no domains, finds the plugin by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import FunctionProto, ModelProto, NodeProto

    from .ranges import Measure

NAME = "layernorm_plugin"
DESCRIPTION = "Write LayerNormalization as the plugin of NVIDIA's library, for TensorRT 8.5"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {}
# It is the same operator.
TOLERANCE = 2e-5

_KIND, _PLUGIN, _DOMAIN = "LayerNormalization", "LayerNorm", "nvidia.plugin"
# The plugin normalizes the last of so many axes.
_AXES = 3
_OPSET = 17


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with the plugin; what it cannot do, and what is in branches, stays."""
    from onnx import helper, shape_inference

    inferred = shape_inference.infer_shapes(model).graph
    axes = {value.name: len(value.type.tensor_type.shape.dim) for value in (*inferred.input, *inferred.value_info)}
    found = [item for item in model.graph.node if _fits(item, axes)]
    for operator in found:
        epsilon = next((attribute.f for attribute in operator.attribute if attribute.name == "epsilon"), 1e-5)
        operator.op_type, operator.domain = _PLUGIN, _DOMAIN
        del operator.attribute[:]
        operator.attribute.append(helper.make_attribute("epsilon", epsilon))
    if found and _DOMAIN not in {item.domain for item in model.opset_import}:
        model.opset_import.append(helper.make_opsetid(_DOMAIN, 1))
        model.functions.append(_meaning())
    return model


def _fits(operator: NodeProto, axes: Mapping[str, int]) -> bool:
    """Whether the plugin computes what the operator does."""
    axis = next((attribute.i for attribute in operator.attribute if attribute.name == "axis"), -1)
    return (
        operator.op_type == _KIND
        and operator.domain in ("", "ai.onnx")
        and axes.get(operator.input[0]) == _AXES
        and axis in (-1, _AXES - 1)
        and len([name for name in operator.input if name]) == len(operator.input) == _AXES
        and len([name for name in operator.output if name]) == 1
    )


def _meaning() -> FunctionProto:
    """What the plugin computes."""
    from onnx import AttributeProto, helper

    node = helper.make_node(_KIND, ["x", "scale", "bias"], ["y"], axis=-1)
    node.attribute.append(AttributeProto(name="epsilon", type=AttributeProto.FLOAT, ref_attr_name="epsilon"))
    opsets = [helper.make_opsetid("", _OPSET)]
    return helper.make_function(_DOMAIN, _PLUGIN, ["x", "scale", "bias"], ["y"], [node], opsets, ["epsilon"])
