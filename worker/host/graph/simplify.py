"""Simplification by onnxslim: why by that one is in docs/decisions/0006-graph-simplifier.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import ModelProto

    from .ranges import Measure

NAME = "simplify"
DESCRIPTION = "Fuse, merge and remove operators without changing what is computed"
TOOLS = ("onnx", "onnxruntime", "onnxslim")
PARAMETERS: Mapping[str, Any] = {"largest_bytes": 16 << 20}
# A normalisation multiplied into the weights of a convolution rounds once instead of twice.
TOLERANCE = 2e-5


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with fewer operators; inputs and outputs stay."""
    import onnxslim

    simplified: ModelProto = onnxslim.slim(model, size_threshold=parameters["largest_bytes"])
    return simplified
