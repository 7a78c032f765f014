"""Shapes of inner values: what runtimes, and the steps after this one, know about the graph without running it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import ModelProto

    from .ranges import Measure

NAME = "infer_shapes"
DESCRIPTION = "Write down the shapes of inner values, as far as they follow from those of the inputs"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {}
# The arithmetic stays the same; a runtime may still plan its threads differently.
TOLERANCE = 1e-6


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with its shapes; values whose shape depends on data keep none."""
    from onnx import shape_inference

    inferred: ModelProto = shape_inference.infer_shapes(model, data_prop=True)
    return inferred
