"""ONNX Runtime's NonMaxSuppression, on attributes as this plugin has them."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper

from tests.plugins.onnx_runtime import answer

Array = Any


def onnx_rows(boxes: Array, scores: Array, how: dict[str, Any]) -> Array:
    """Its rows, without padding."""
    names = ["boxes", "scores", "most", "overlap", "score"]
    operator = helper.make_node("NonMaxSuppression", names, ["rows"], center_point_box=how["center_point_box"])
    inputs = {
        "boxes": boxes,
        "scores": scores,
        "most": np.array([how["max_output_boxes_per_class"] or scores.shape[2]], np.int64),
        "overlap": np.array([how["iou_threshold"]], np.float32),
        "score": np.array([how["score_threshold"]], np.float32),
    }
    return answer([operator], inputs, {"rows": TensorProto.INT64}, opset=11)[0]
