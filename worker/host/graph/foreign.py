"""Operators that neither ONNX nor ONNX Runtime knows: those of plugins."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from .walk import operators, qualified

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto


def foreign(operator: NodeProto) -> bool:
    """Neither ONNX nor ONNX Runtime knows the operator: it takes a plugin."""
    from onnx import defs

    domain = "" if operator.domain == "ai.onnx" else operator.domain
    return not defs.has(operator.op_type, domain) and (domain, operator.op_type) not in _of_onnxruntime()


def plugin_operators(model: ModelProto) -> tuple[str, ...]:
    """The operators of a model that take a plugin, each once, with their domains."""
    own = {(function.domain, function.name) for function in model.functions}
    found = (item for item in operators(model) if foreign(item) and (item.domain, item.op_type) not in own)
    return tuple(dict.fromkeys(qualified(item) for item in found))


@lru_cache(maxsize=1)
def _of_onnxruntime() -> frozenset[tuple[str, str]]:
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    return frozenset((item.domain, item.name) for item in state.get_all_operator_schema())
