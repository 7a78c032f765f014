"""Plugins of the farm as the operators of ONNX that compute the same, where a builder has these itself."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .ranges import Measure
from .rewrite import Site, rewrite

if TYPE_CHECKING:
    from onnx import ModelProto

NAME = "to_native"
DESCRIPTION = "Write FarmScatterND and TRTNonMaxSuppression as the operators of ONNX"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {}
# The same elements, the same boxes.
TOLERANCE = 2e-5


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph without these plugins; a suppression over sizes that nothing tells, or with an offset, stays."""
    rewrite(model, {"FarmScatterND": _scatter, "TRTNonMaxSuppression": _suppression}, anywhere=True)
    return model


def _scatter(site: Site) -> None:
    from onnx import TensorProto

    if not site.attribute("in_place", 0):
        places = site.op("Cast", [site.input(1)], "places", to=TensorProto.INT64)
        site.op("ScatterND", [site.input(0), places, site.input(2)])


def _suppression(site: Site) -> None:
    """The boxes, and rows of -1 after them up to the number that the plugin gives."""
    import numpy as np
    from onnx import TensorProto

    shape = site.shape(site.input(1))
    if shape is None or None in shape or site.attribute("offset", 0) or site.attribute("legacy", 0):
        return
    images, classes, boxes = (size or 0 for size in shape)
    most = min(site.attribute("max_output_boxes_per_class", 0) or boxes, boxes)
    limits = [
        site.weight("most", np.array([most], np.int64)),
        site.weight("overlap", np.array([site.attribute("iou_threshold", 0.0)], np.float32)),
        site.weight("least", np.array([site.attribute("score_threshold", 0.0)], np.float32)),
    ]
    centred = site.attribute("center_point_box", 0)
    found = site.op("NonMaxSuppression", [*site.node.input, *limits], "found", center_point_box=centred)
    count = math.prod((images, classes, most))
    rest = site.weight("rest", np.full((count, 3), -1, np.int64))
    rows = site.op("Concat", [found, rest], "rows", axis=0)
    start, end = (site.weight(part, np.array([place], np.int64)) for part, place in (("start", 0), ("end", count)))
    site.op("Cast", [site.op("Slice", [rows, start, end], "cut")], to=TensorProto.INT32)
