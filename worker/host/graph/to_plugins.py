"""Operators of ONNX as the farm's plugins, for builders whose own form of them is missing, slow or wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .ranges import Measure
from .rewrite import Site, rewrite
from .walk import operators

if TYPE_CHECKING:
    from onnx import ModelProto

NAME = "to_plugins"
DESCRIPTION = "Write ScatterND as the plugin FarmScatterND, and NonMaxSuppression as TRTNonMaxSuppression"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {}
# The same elements, the same boxes.
TOLERANCE = 2e-5

DOMAIN = "farm.plugin"
# Below every score: ONNX drops none where no limit is given.
_NO_SCORE = -3.0e38


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with plugins; a suppression whose limits are no constants stays, and a scatter that adds up too."""
    from onnx import helper

    rewrite(model, {"ScatterND": _scatter, "NonMaxSuppression": _suppression})
    known = {item.domain for item in model.opset_import}
    if DOMAIN not in known and any(item.domain == DOMAIN for item in operators(model)):
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    return model


def _scatter(site: Site) -> None:
    from onnx import TensorProto

    taken = (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT32)
    if site.attribute("reduction", b"none") != b"none" or site.kind(site.input(0)) not in taken:
        return
    places = site.op("Cast", [site.input(1)], "places", to=TensorProto.INT32)
    site.op("FarmScatterND", [site.input(0), places, site.input(2)], domain=DOMAIN)


def _suppression(site: Site) -> None:
    """The plugin gives a fixed number of rows, of which those of boxes are picked: they come first to last."""
    import numpy as np
    from onnx import TensorProto

    limits = [site.constant(name) if name else None for name in (site.input(2), site.input(3), site.input(4))]
    if any(site.input(place) and limits[place - 2] is None for place in (2, 3, 4)):
        return
    most, overlap, least = [None if limit is None else limit.item() for limit in limits]
    # For ONNX it means no boxes, for the plugin all.
    if not most:
        return
    rows = site.op(
        "TRTNonMaxSuppression",
        [site.input(0), site.input(1)],
        "rows",
        domain=DOMAIN,
        max_output_boxes_per_class=int(most),
        iou_threshold=float(overlap or 0.0),
        score_threshold=_NO_SCORE if least is None else float(least),
        center_point_box=site.attribute("center_point_box", 0),
    )
    images = site.op("Gather", [rows, site.weight("first", np.int64(0))], "images", axis=1)
    filled = site.op("Greater", [images, site.weight("nothing", np.int32(-1))], "filled")
    numbers = site.op("NonZero", [filled], "numbers")
    places = site.op("Reshape", [numbers, site.weight("flat", np.array([-1], np.int64))], "places")
    picked = site.op("Gather", [rows, places], "picked", axis=0)
    site.op("Cast", [picked], to=TensorProto.INT64)
