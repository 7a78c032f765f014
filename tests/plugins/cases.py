"""One small graph node of each plugin, or a few, with which glue is tried: shapes and attributes without symmetry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np

Array = Any


@dataclass(frozen=True)
class Case:
    """A node of an operator.

    Attributes:
        plugin: Its folder.
        operator: Its creator.
        attributes: As the node has them; one that is not there has its default.
        inputs: Their contents; float32 where there is a choice.
        most: How many times as long each axis may become; 1 where sizes hang together.
    """

    plugin: str
    operator: str
    inputs: tuple[Array, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    most: float = 1.0

    def half(self) -> Case:
        """The same in float16."""
        inputs = tuple(item.astype(np.float16) if item.dtype == np.float32 else item for item in self.inputs)
        return Case(self.plugin, self.operator, inputs, self.attributes, self.most)

    def wanted(self) -> list[Array]:
        """What the reference says."""
        reference = import_module(f"plugins.{self.plugin}.reference").reference
        found: list[Array] = reference(list(self.inputs), dict(self.attributes))
        return found


_DRAW = np.random.default_rng(4)


def _some(*shape: int) -> Array:
    return _DRAW.standard_normal(shape).astype(np.float32)


def _unit(*shape: int) -> Array:
    return _DRAW.uniform(0, 1, shape).astype(np.float32)


def _rois() -> Array:
    corner, size = _DRAW.uniform(0, 9, (4, 2)), _DRAW.uniform(2, 12, (4, 2))
    return np.concatenate([[[0], [1], [1], [0]], corner, corner + size], axis=1).astype(np.float32)


def _boxes() -> Array:
    corner, size = _DRAW.uniform(0, 20, (2, 9, 2)), _DRAW.uniform(4, 12, (2, 9, 2))
    return np.concatenate([corner, corner + size], axis=2).astype(np.float32)


_CONV = {"stride": [2, 1], "padding": [1, 2], "dilation": [1, 2], "groups": 2, "deform_groups": 2}
# Of 9 x 8 pixels by 3 x 3 taps, with those strides: 5 x 8 places.
_OFFSET, _MASK = _some(2, 36, 5, 8), _unit(2, 18, 5, 8)
_LEVELS = np.array([[6, 5], [3, 2]], np.int32)

CASES = {
    "cummax": Case("cummax", "cummax", (_some(3, 4, 5),), {"dim": -2}, 2),
    "cummin": Case("cummin", "cummin", (_some(3, 4, 5),), {"dim": 2}, 2),
    "grid_sampler": Case(
        "grid_sampler",
        "grid_sampler",
        (_some(2, 3, 6, 7), _unit(2, 4, 5, 2) * 2.4 - 1.2),
        {"interpolation_mode": 0, "padding_mode": 2, "align_corners": 1},
    ),
    "grid_sampler of a volume": Case(
        "grid_sampler", "grid_sampler", (_some(1, 2, 3, 4, 5), _unit(1, 2, 3, 4, 3) * 2 - 1)
    ),
    "mmcv_deform_conv2d": Case(
        "mmcv_deform_conv2d", "MMCVDeformConv2d", (_some(2, 4, 9, 8), _OFFSET, _some(6, 2, 3, 3)), _CONV
    ),
    "mmcv_instance_norm": Case(
        "mmcv_instance_norm",
        "MMCVInstanceNormalization",
        (_some(2, 3, 5, 7), _some(3), _some(3)),
        {"epsilon": 1e-3},
    ),
    "mmcv_modulated_deform_conv2d": Case(
        "mmcv_modulated_deform_conv2d",
        "MMCVModulatedDeformConv2d",
        (_some(2, 4, 9, 8), _OFFSET, _MASK, _some(6, 2, 3, 3)),
        _CONV,
    ),
    "mmcv_modulated_deform_conv2d with a bias": Case(
        "mmcv_modulated_deform_conv2d",
        "MMCVModulatedDeformConv2d",
        (_some(2, 4, 9, 8), _OFFSET, _MASK, _some(6, 2, 3, 3), _some(6)),
        _CONV,
    ),
    "mmcv_roi_align": Case(
        "mmcv_roi_align",
        "MMCVRoiAlign",
        (_some(2, 3, 13, 17), _rois()),
        {"output_height": 3, "output_width": 2, "spatial_scale": 0.75, "sampling_ratio": 2, "mode": "avg"},
    ),
    "ms_deform_attn": Case(
        "ms_deform_attn",
        "MMCVMultiScaleDeformableAttention",
        (_some(2, 36, 3, 8), _LEVELS, np.array([0, 30], np.int32), _unit(2, 4, 3, 2, 4, 2), _unit(2, 4, 3, 2, 4)),
    ),
    "non_max_suppression": Case(
        "non_max_suppression",
        "TRTNonMaxSuppression",
        (_boxes(), _unit(2, 3, 9)),
        {"max_output_boxes_per_class": 4, "iou_threshold": 0.3, "score_threshold": 0.2},
    ),
    "scatter_nd in place": Case(
        "scatter_nd",
        "FarmScatterND",
        (_some(4, 6), np.array([[3], [0]], np.int32), _some(2, 6)),
        {"in_place": 1},
    ),
    "scatter_nd": Case(
        "scatter_nd", "FarmScatterND", (_some(5, 3, 4), np.array([[4, 0], [1, -1]], np.int32), _some(2, 4))
    ),
}
