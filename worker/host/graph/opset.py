"""Another version of ONNX's operators: an older one where a parser ends there, a newer one where it begins later.

Down, each operator that changed is written as it was before; ONNX's own converter knows too few of them that way, and
forgets where an exporter says that operators came from. Up, it is ONNX's converter.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .older_forms import OLDER_FORMS
from .ranges import Measure
from .rewrite import opset_of, rewrite
from .walk import operators

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

log = logging.getLogger(__name__)

NAME = "opset"
DESCRIPTION = "Write the graph in another version of ONNX's operators; one that has no older form stops that"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {"newest": 17, "oldest": 0}
# Gelu is written in simpler operators.
TOLERANCE = 2e-5

_OWN = ("", "ai.onnx")


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph between both opsets; as it was, with a warning, where an operator exists in newer ones only."""
    opset = opset_of(model)
    if opset > parameters["newest"]:
        return _lowered(model, parameters["newest"])
    if opset < parameters["oldest"]:
        from onnx import version_converter

        raised: ModelProto = version_converter.convert_version(model, parameters["oldest"])
        return raised
    return model


def _lowered(model: ModelProto, opset: int) -> ModelProto:
    from onnx import helper, inliner

    lowered: ModelProto = type(model).FromString(model.SerializeToString())
    if lowered.functions:
        lowered = inliner.inline_local_functions(lowered)
    before = opset_of(lowered)
    rules = {kind: form.rule for kind, form in OLDER_FORMS.items() if before >= form.since > opset}
    rewrite(lowered, rules)
    for node in operators(lowered):
        problem = _problem(node, before, opset) if node.domain in _OWN else ""
        if problem:
            log.warning("the graph stays in opset %d: %s", before, problem)
            return model
    for item in lowered.opset_import:
        if item.domain in _OWN:
            item.version = opset
    lowered.ir_version = min(lowered.ir_version, helper.OP_SET_ID_VERSION_MAP.get(("ai.onnx", opset), 8))
    return lowered


def _problem(node: NodeProto, before: int, opset: int) -> str:
    """Why an operator cannot be one of an older version; attributes that only say what goes without saying leave it."""
    from onnx import defs

    told = f"{node.op_type} {node.name!r}"
    newer = defs.get_schema(node.op_type, before)
    try:
        older = defs.get_schema(node.op_type, opset)
    except defs.SchemaError:
        return f"{told} does not exist in opset {opset}"
    if len(node.input) > older.max_input:
        return f"{told} has more inputs than in opset {opset}"
    for attribute in [item for item in node.attribute if item.name not in older.attributes]:
        default = newer.attributes[attribute.name].default_value if attribute.name in newer.attributes else None
        if default != attribute and not _all_ones(attribute):
            return f"{told} has no {attribute.name} in opset {opset}"
        node.attribute.remove(attribute)
    return ""


def _all_ones(attribute: Any) -> bool:
    """Strides and dilations of one, which is what is meant without them."""
    return attribute.name == "dilations" and set(attribute.ints) == {1}
