"""Where an operator came from, as far as the exporter of PyTorch says."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnx import NodeProto

# What torch.onnx writes beside each operator.
_SCOPES, _CLASSES, _TRACE = (f"pkg.torch.onnx.{word}" for word in ("name_scopes", "class_hierarchy", "stack_trace"))
_NAMESPACE = "namespace"
_PLACE = re.compile(r'File "([^"]+)", line (\d+)')


def origin(operator: NodeProto) -> str:
    """The module, its class and the line of code that an operator came from; empty where nothing tells.

    The exporter through torch.export writes them down; the tracer puts the path of the module into the name.
    """
    told = {item.key: item.value for item in operator.metadata_props}
    module = _module(told) or _scope(operator.name)
    kind = _class(told)
    place = _place(told.get(_TRACE, ""))
    named = f"{module} ({kind})" if module and kind else module or kind
    return ", ".join(part for part in (named, place) if part)


def _module(told: Mapping[str, str]) -> str:
    """The path of the innermost module; the last name is that of the operation itself."""
    scopes = [scope for scope in _listed(told.get(_SCOPES, ""))[:-1] if scope]
    if scopes:
        return scopes[-1]
    parts = [part.partition(":")[0].strip() for part in told.get(_NAMESPACE, "").split("/")[:-1]]
    return next((part for part in reversed(parts) if part), "")


def _class(told: Mapping[str, str]) -> str:
    classes = _listed(told.get(_CLASSES, ""))[:-1]
    return classes[-1] if classes else ""


def _place(trace: str) -> str:
    places = _PLACE.findall(trace)
    return f"{places[-1][0]}:{places[-1][1]}" if places else ""


def _listed(text: str) -> list[str]:
    try:
        found = ast.literal_eval(text) if text else []
    except (SyntaxError, ValueError):
        return []
    return [str(item) for item in found] if isinstance(found, (list, tuple)) else []


def _scope(name: str) -> str:
    """`/encoder/layers.0/self_attn/MatMul_1` is in `encoder.layers.0.self_attn`."""
    parts = [part for part in name.split("/")[:-1] if part]
    return ".".join(parts) if name.startswith("/") else ""
