"""Constant folding: what does not depend on the inputs is computed once, here, and branches on constants are taken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onnx import ModelProto

    from .ranges import Measure

NAME = "fold"
DESCRIPTION = "Compute what does not depend on the inputs, and take branches that are decided"
TOOLS = ("onnx", "onnxruntime", "onnxslim")
# A small recipe for a large constant (`Expand`, `ConstantOfShape`) is kept: folding it would only fatten the model.
PARAMETERS: Mapping[str, Any] = {"largest_bytes": 16 << 20}
# Folded parts are computed by the same kernels, but what is left may be summed in another order.
TOLERANCE = 2e-5

_OTHERS = ["graph_fusion", "dead_node_elimination", "subexpression_elimination", "weight_tying"]


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph without operators whose inputs are all constant; quantization operators stay."""
    import onnxslim

    folded: ModelProto = onnxslim.slim(model, skip_optimizations=_OTHERS, size_threshold=parameters["largest_bytes"])
    return folded
