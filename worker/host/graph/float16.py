"""A graph in float16, for builders that take precision from the graph: TensorRT 11 and TensorRT for RTX.

The tool is that of ONNX Runtime: docs/decisions/0009-float16-tool.md has the reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .names import distinguish
from .narrow import narrow

if TYPE_CHECKING:
    from onnx import ModelProto

    from .ranges import Measure

NAME = "float16"
DESCRIPTION = "Compute in float16; inputs and outputs keep their types"
TOOLS = ("onnx", "onnxruntime")
PARAMETERS: Mapping[str, Any] = {}
# Giving up digits is what it is for: how far the outputs move is reported, and judged where the engine runs.
TOLERANCE = None


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with its float32 weights and values as float16, but those of operators that have no float16."""
    distinguish(model)
    return narrow(model)
