"""Boxes and regions of maps in PyTorch: the best boxes, and what lies in a box; as ONNX or plugins have them."""
# mypy: disable-error-code="misc,untyped-decorator,import-not-found,no-untyped-call"

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch.nn import functional
from torch.onnx.symbolic_helper import parse_args

from .operators import DOMAIN
from .order import PLUGIN, SAMPLED
from .writing import OPSET

Tensor = Any

_CHAIN = 32
# Samples of a bin along each axis.
_SAMPLES = 2


@dataclass(frozen=True)
class Best:
    """How the best of boxes that overlap are chosen.

    Attributes:
        most: How many of a class stay at most.
        overlap: Intersection over union above which the worse of two goes.
        least: What a score must be above.
        form: `plugin`: with the operator of non_max_suppression. `sampled`: in products of matrices; right where no
            chain of boxes, each of which overlaps the one before, is longer than 32.
    """

    most: int
    overlap: float
    least: float
    form: str

    def marked(self, boxes: Tensor, scores: Tensor, classes: Tensor | None = None, count: int = 1) -> Tensor:
        """1 for those that stay, 0 for all others: N x boxes, as the scores.

        Args:
            boxes: Corners, N x boxes x 4.
            scores: Above 0; a box without one does not take part.
            classes: From 0 to `count` - 1: boxes of different ones do not suppress each other. They are not moved
                apart, as others do it: far from zero, floats have too few digits for an overlap, and float16 ends.
            count: How many classes there are.
        """
        images, places = (int(length) for length in scores.shape)
        if self.form == SAMPLED:
            mine = torch.zeros_like(scores, dtype=torch.int64) if classes is None else classes
            return torch.stack([self._by_products(boxes[n], scores[n], mine[n]) for n in range(images)])
        each = scores[:, None] if classes is None else scores[:, None] * _members(classes, count).to(scores)
        most = min(self.most, places)
        if self.form == PLUGIN:
            rows = _suppressed_by_plugin(boxes, each, most, self.overlap, self.least)
            # What is left over is marked beyond the end.
            flat = torch.where(rows[:, 2] < 0, images * places, rows[:, 0] * places + rows[:, 2]).to(torch.int64)
        else:
            rows = _suppressed(boxes, each, most, self.overlap, self.least)
            flat = rows[:, 0] * places + rows[:, 2]
        marks = torch.zeros(images * places + 1, dtype=scores.dtype, device=scores.device)
        marks = marks.scatter(0, flat, torch.ones_like(flat, dtype=scores.dtype))
        return marks[: images * places].reshape(images, places)

    def _by_products(self, boxes: Tensor, scores: Tensor, classes: Tensor) -> Tensor:
        low, high = boxes[:, :2], boxes[:, 2:]
        areas = (high - low).prod(1)
        lengths = (torch.minimum(high[:, None], high) - torch.maximum(low[:, None], low)).clamp(min=0)
        shared = lengths[..., 0] * lengths[..., 1]
        overlaps = (shared > self.overlap * (areas[:, None] + areas - shared)).to(scores)
        alike = (classes == classes[:, None]).to(scores)
        # Of equals the first is the better one.
        places = torch.arange(int(scores.shape[0]), device=scores.device)
        better = (scores > scores[:, None]).to(scores)
        better = better + (scores == scores[:, None]).to(scores) * (places < places[:, None]).to(scores)
        better = better * alike
        there = (scores > self.least).to(scores)[:, None]
        stays = there
        for _ in range(_CHAIN):
            stays = there * (((overlaps * better) @ stays) < 0.5).to(scores)
        return (stays * ((better @ stays) < self.most - 0.5).to(scores))[:, 0]


def _members(classes: Tensor, count: int) -> Tensor:
    """Which boxes are of which class: N x classes x boxes."""
    return classes[:, None] == torch.arange(count, device=classes.device)[:, None]


def pooled(x: Tensor, boxes: Tensor, scale: float, side: int, form: str) -> Tensor:
    """What lies in boxes: (N x boxes) x C x side x side.

    Args:
        x: N x C x H x W.
        boxes: Corners in pixels of the image, N x boxes x 4.
        scale: Elements of the map for each pixel.
        side: Bins along each axis.
        form: `plugin`: with the operator of mmcv_roi_align. `sampled`: with GridSample, in the place of RoiAlign.
    """
    if form == SAMPLED:
        return torch.cat([_sampled(x[n : n + 1], boxes[n], scale, side) for n in range(int(boxes.shape[0]))])
    images, count = boxes.shape[:2]
    of_image = torch.arange(images, device=boxes.device).repeat_interleave(count)
    flat = boxes.reshape(-1, 4)
    if form == PLUGIN:
        rois = torch.cat((of_image[:, None].to(flat), flat), 1)
        return _pooled_by_plugin(x, rois, scale, side)
    return _pooled(x, flat, of_image, scale, side)


def _best(boxes: Tensor, scores: Tensor, most: int, overlap: float, least: float) -> Tensor:
    """Numbers of the boxes that stay, the best first."""
    order = scores.argsort(descending=True, stable=True)
    order = order[scores[order] > least]
    ordered = boxes[order]
    areas = (ordered[:, 2] - ordered[:, 0]) * (ordered[:, 3] - ordered[:, 1])
    gone = torch.zeros(len(order), dtype=torch.bool)
    kept: list[int] = []
    for place in range(len(order)):
        if gone[place] or len(kept) == most:
            continue
        kept.append(place)
        low = torch.maximum(ordered[place, :2], ordered[place + 1 :, :2])
        high = torch.minimum(ordered[place, 2:], ordered[place + 1 :, 2:])
        shared = (high - low).clamp(min=0).prod(1)
        gone[place + 1 :] |= shared > overlap * (areas[place] + areas[place + 1 :] - shared)
    return order[torch.tensor(kept, dtype=torch.int64)]


def _sampled(x: Tensor, boxes: Tensor, scale: float, side: int) -> Tensor:
    """Means of bilinear samples of one map; a box does not reach beyond the image."""
    rows, columns = x.shape[-2:]
    low = boxes[:, :2] * scale
    lengths = (boxes[:, 2:] * scale - low).clamp(min=1)
    shares = (torch.arange(side * _SAMPLES, dtype=x.dtype) + 0.5) / (side * _SAMPLES)
    right = low[:, :1] + lengths[:, :1] * shares
    down = low[:, 1:] + lengths[:, 1:] * shares
    right, down = (2 * right / (columns - 1) - 1), (2 * down / (rows - 1) - 1)
    count = side * _SAMPLES
    grid = torch.stack((right[:, None].expand(-1, count, -1), down[:, :, None].expand(-1, -1, count)), -1)
    seen = functional.grid_sample(x, grid.reshape(1, -1, count, 2), padding_mode="border", align_corners=True)
    seen = seen.reshape(x.shape[1], -1, count, count).transpose(0, 1)
    return functional.avg_pool2d(seen, _SAMPLES)


def _rows(boxes: Tensor, scores: Tensor, most: int, overlap: float, least: float) -> Tensor:
    """Image, class and box of those that stay, as ONNX's NonMaxSuppression gives them."""
    found = []
    for image, number in product(*map(range, scores.shape[:2])):
        kept = _best(boxes[image], scores[image, number], most, overlap, least)
        zeros = torch.zeros_like(kept)
        found.append(torch.stack((zeros + image, zeros + number, kept), 1))
    return torch.cat(found)


def _all_rows(boxes: Tensor, scores: Tensor, most: int, overlap: float, least: float) -> Tensor:
    """The same, as the plugin gives them: as many as there may be, those left over -1."""
    rows = _rows(boxes, scores, most, overlap, least)
    left = scores.shape[0] * scores.shape[1] * most - rows.shape[0]
    return functional.pad(rows, (0, 0, 0, left), value=-1).to(torch.int32)


def _pool(x: Tensor, boxes: Tensor, of_image: Tensor, scale: float, side: int) -> Tensor:
    found = [_sampled(x[image : image + 1], boxes[of_image == image], scale, side) for image in range(x.shape[0])]
    return torch.cat(found)


def _pool_rois(x: Tensor, rois: Tensor, scale: float, side: int) -> Tensor:
    return _pool(x, rois[:, 1:], rois[:, 0].to(torch.int64), scale, side)


@parse_args("v", "v", "i", "f", "f")
def _rows_in_onnx(g: Any, boxes: Tensor, scores: Tensor, most: int, overlap: float, least: float) -> Any:
    limits = (torch.tensor([most]), torch.tensor([overlap]), torch.tensor([least]))
    return g.op("NonMaxSuppression", boxes, scores, *(g.op("Constant", value_t=limit) for limit in limits))


@parse_args("v", "v", "i", "f", "f")
def _all_rows_in_onnx(g: Any, boxes: Tensor, scores: Tensor, most: int, overlap: float, least: float) -> Any:
    images, classes, _ = scores.type().sizes()
    made = g.op(
        f"{DOMAIN}::TRTNonMaxSuppression",
        boxes,
        scores,
        max_output_boxes_per_class_i=most,
        iou_threshold_f=overlap,
        score_threshold_f=least,
    )
    made.setType(scores.type().with_dtype(torch.int32).with_sizes([images * classes * most, 3]))
    return made


@parse_args("v", "v", "v", "f", "i")
def _pool_in_onnx(g: Any, x: Tensor, boxes: Tensor, of_image: Tensor, scale: float, side: int) -> Any:
    made = g.op(
        "RoiAlign",
        x,
        boxes,
        of_image,
        coordinate_transformation_mode_s="output_half_pixel",
        mode_s="avg",
        output_height_i=side,
        output_width_i=side,
        sampling_ratio_i=_SAMPLES,
        spatial_scale_f=scale,
    )
    made.setType(x.type().with_sizes([boxes.type().sizes()[0], x.type().sizes()[1], side, side]))
    return made


@parse_args("v", "v", "f", "i")
def _pool_rois_in_onnx(g: Any, x: Tensor, rois: Tensor, scale: float, side: int) -> Any:
    made = g.op(
        f"{DOMAIN}::MMCVRoiAlign",
        x,
        rois,
        output_height_i=side,
        output_width_i=side,
        spatial_scale_f=scale,
        sampling_ratio_i=_SAMPLES,
        mode_s="avg",
        aligned_i=0,
    )
    made.setType(x.type().with_sizes([rois.type().sizes()[0], x.type().sizes()[1], side, side]))
    return made


def _operator(name: str, schema: str, computes: Any, writes: Any) -> Any:
    """An operator that the tracer does not look into."""
    made = torch.library.custom_op(f"farm::{name}", computes, mutates_args=(), schema=schema)
    torch.onnx.register_custom_op_symbolic(f"farm::{name}", writes, OPSET)
    return made


_CHOOSES = "(Tensor boxes, Tensor scores, int most, float overlap, float least) -> Tensor"
_suppressed = _operator("suppressed", _CHOOSES, _rows, _rows_in_onnx)
_suppressed_by_plugin = _operator("suppressed_by_plugin", _CHOOSES, _all_rows, _all_rows_in_onnx)
_pooled = _operator(
    "pooled", "(Tensor x, Tensor boxes, Tensor of_image, float scale, int side) -> Tensor", _pool, _pool_in_onnx
)
_pooled_by_plugin = _operator(
    "pooled_by_plugin", "(Tensor x, Tensor rois, float scale, int side) -> Tensor", _pool_rois, _pool_rois_in_onnx
)
