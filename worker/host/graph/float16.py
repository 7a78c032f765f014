"""A graph in float16, for builders that take precision from the graph: TensorRT 11 and TensorRT for RTX.

The tool is that of ONNX Runtime: docs/decisions/0009-float16-tool.md has the reasons.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .casts import drop_repeated
from .sort import sort
from .walk import graphs

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
    from onnxruntime.transformers.float16 import convert_float_to_float16

    check_names(model)
    converted: ModelProto = convert_float_to_float16(model, keep_io_types=True)
    drop_repeated(converted.graph)
    # The tool puts its casts at the end.
    sort(converted.graph)
    return converted


def check_names(model: ModelProto) -> None:
    """The tool knows weights by their names alone, in whichever branch they are.

    Raises: ValueError: two weights cannot be told apart.
    """
    names = Counter(weight.name for graph in graphs(model.graph) for weight in graph.initializer)
    twice = [name for name, times in names.items() if times > 1]
    if twice:
        raise ValueError(f"two branches of the model have a weight named {twice[0]!r}, and cannot be told apart")
