"""Graph nodes of each plugin, one or a few, with which glue is tried: shapes and attributes without symmetry.

The same are played through IPluginV3, built into engines of the rig, and run by TensorRT 8.5 on a card.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any

import numpy as np

from .arrays import eventful

Array = Any
Inputs = tuple[Array, ...]
Shapes = tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Case:
    """A node of an operator.

    Attributes:
        plugin: Its folder.
        operator: Its creator.
        inputs: Their contents; float32 where there is a choice.
        attributes: As the node has them; one that is not there has its default.
        others: More inputs for the same node. The axes along which they differ are those that a graph leaves open.
    """

    plugin: str
    operator: str
    inputs: Inputs
    attributes: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[Inputs, ...] = ()

    @property
    def every(self) -> tuple[Inputs, ...]:
        """All inputs that there are for the node."""
        return (self.inputs, *self.others)

    @property
    def smallest(self) -> Shapes:
        """The least that each axis of each input is."""
        return tuple(tuple(map(min, zip(*shapes))) for shapes in self._shapes())

    @property
    def largest(self) -> Shapes:
        """The most that each axis of each input is."""
        return tuple(tuple(map(max, zip(*shapes))) for shapes in self._shapes())

    def half(self) -> Case:
        """The same in float16."""
        inputs, *others = (tuple(map(_halved, given)) for given in self.every)
        return replace(self, inputs=inputs, others=tuple(others))

    def wanted(self, inputs: Inputs) -> list[Array]:
        """What the reference says."""
        reference = import_module(f"plugins.{self.plugin}.reference").reference
        found: list[Array] = reference(list(inputs), dict(self.attributes))
        return found

    def _shapes(self) -> list[Shapes]:
        return [tuple(array.shape for array in arrays) for arrays in zip(*self.every)]


def _halved(array: Array) -> Array:
    return array.astype(np.float16) if array.dtype == np.float32 else array


_DRAW = np.random.default_rng(4)


def _some(*shape: int) -> Array:
    return _DRAW.standard_normal(shape).astype(np.float32)


def _unit(*shape: int) -> Array:
    return _DRAW.uniform(0, 1, shape).astype(np.float32)


def _ties(*shape: int) -> Array:
    return eventful(shape, np.float32)


def _rois(*images: int, width: float = 9) -> Array:
    corner, size = _DRAW.uniform(0, width, (len(images), 2)), _DRAW.uniform(2, 12, (len(images), 2))
    return np.concatenate([np.array(images)[:, None], corner, corner + size], axis=1).astype(np.float32)


def _boxes(images: int, count: int) -> Array:
    corner, size = _DRAW.uniform(0, 20, (images, count, 2)), _DRAW.uniform(4, 12, (images, count, 2))
    return np.concatenate([corner, corner + size], axis=2).astype(np.float32)


_CONV = {"stride": [2, 1], "padding": [1, 2], "dilation": [1, 2], "groups": 2, "deform_groups": 2}
# Of 9 x 8 pixels by 3 x 3 taps, with those strides: 5 x 8 places; of 20 x 17: 10 x 17.
_SMALL = (_some(2, 4, 9, 8), _some(2, 36, 5, 8), _unit(2, 18, 5, 8), _some(6, 2, 3, 3), _some(6))
_LARGE = (_some(3, 4, 20, 17), _some(3, 36, 10, 17), _unit(3, 18, 10, 17), _some(6, 2, 3, 3), _some(6))


def _attended(images: int, queries: int, levels: tuple[tuple[int, int], ...]) -> Inputs:
    """Two levels of a map, three heads of eight channels, four points."""
    pixels = [rows * columns for rows, columns in levels]
    starts = np.cumsum([0, *pixels[:-1]]).astype(np.int32)
    places, shares = _unit(images, queries, 3, 2, 4, 2), _unit(images, queries, 3, 2, 4)
    return (_some(images, sum(pixels), 3, 8), np.array(levels, np.int32), starts, places, shares)


CASES = {
    "cummax": Case("cummax", "cummax", (_some(3, 4, 5),), {"dim": -2}, ((_ties(2, 70, 33),), (_ties(1, 1, 3),))),
    "cummin": Case("cummin", "cummin", (_some(3, 4, 5),), {"dim": 2}, ((_ties(2, 3, 700),), (_ties(7, 5, 1),))),
    "fused_attention": Case(
        "fused_attention",
        "FarmAttention",
        (_some(2, 21, 24), _some(2, 35, 28), _some(2, 35, 24)),
        {"num_heads": 3, "head_size": 8, "scale": 0.25, "offsets": [0, 4, 0]},
        ((_some(1, 70, 24), _some(1, 9, 28), _some(1, 9, 24)),),
    ),
    "fused_attention of rows first": Case(
        "fused_attention",
        "FarmAttention",
        (_some(21, 3, 64), _some(33, 3, 64), _some(33, 3, 64)),
        {"num_heads": 2, "head_size": 32, "scale": 0.2, "sequence_first": 1},
    ),
    "grid_sampler": Case(
        "grid_sampler",
        "grid_sampler",
        (_some(2, 3, 6, 7), _unit(2, 4, 5, 2) * 2.4 - 1.2),
        {"interpolation_mode": 0, "padding_mode": 2, "align_corners": 1},
        ((_some(1, 8, 31, 40), _unit(1, 17, 19, 2) * 2.4 - 1.2),),
    ),
    "grid_sampler of a volume": Case(
        "grid_sampler",
        "grid_sampler",
        (_some(1, 2, 3, 4, 5), _unit(1, 2, 3, 4, 3) * 2 - 1),
        others=((_some(2, 5, 9, 8, 7), _unit(2, 4, 6, 5, 3) * 2 - 1),),
    ),
    "mmcv_deform_conv2d": Case(
        "mmcv_deform_conv2d",
        "MMCVDeformConv2d",
        (*_SMALL[:2], _SMALL[3]),
        _CONV,
        ((*_LARGE[:2], _LARGE[3]),),
    ),
    "mmcv_instance_norm": Case(
        "mmcv_instance_norm",
        "MMCVInstanceNormalization",
        (_some(2, 3, 5, 7), _some(3), _some(3)),
        {"epsilon": 1e-3},
        ((_some(1, 3, 40, 33), _some(3), _some(3)), (_some(4, 3, 1, 9), _some(3), _some(3))),
    ),
    "mmcv_modulated_deform_conv2d": Case(
        "mmcv_modulated_deform_conv2d", "MMCVModulatedDeformConv2d", _SMALL[:4], _CONV, (_LARGE[:4],)
    ),
    "mmcv_modulated_deform_conv2d with a bias": Case(
        "mmcv_modulated_deform_conv2d", "MMCVModulatedDeformConv2d", _SMALL, _CONV, (_LARGE,)
    ),
    "mmcv_roi_align": Case(
        "mmcv_roi_align",
        "MMCVRoiAlign",
        (_some(2, 3, 13, 17), _rois(0, 1, 1, 0)),
        {"output_height": 3, "output_width": 2, "spatial_scale": 0.75, "sampling_ratio": 2, "mode": "avg"},
        ((_some(3, 3, 40, 33), _rois(*(place % 3 for place in range(30)), width=40)), (_some(1, 3, 5, 4), _rois(0))),
    ),
    "ms_deform_attn": Case(
        "ms_deform_attn",
        "MMCVMultiScaleDeformableAttention",
        _attended(2, 4, ((6, 5), (3, 2))),
        others=(_attended(1, 50, ((9, 7), (4, 4))),),
    ),
    "non_max_suppression": Case(
        "non_max_suppression",
        "TRTNonMaxSuppression",
        (_boxes(2, 9), _unit(2, 3, 9)),
        {"max_output_boxes_per_class": 4, "iou_threshold": 0.3, "score_threshold": 0.2},
        ((_boxes(1, 150), _unit(1, 3, 150)), (_boxes(3, 1), _unit(3, 3, 1))),
    ),
    "scatter_nd in place": Case(
        "scatter_nd",
        "FarmScatterND",
        (_some(4, 6), np.array([[3], [0]], np.int32), _some(2, 6)),
        {"in_place": 1},
        ((_some(90, 6), np.arange(0, 90, 4, dtype=np.int32)[:, None], _some(23, 6)),),
    ),
    "scatter_nd": Case(
        "scatter_nd",
        "FarmScatterND",
        (_some(5, 3, 4), np.array([[4, 0], [1, -1]], np.int32), _some(2, 4)),
        others=((_some(9, 6, 4), np.array([[8, -6], [0, 5], [-9, 2]], np.int32), _some(3, 4)),),
    ),
}
