"""Answers of networks that find something at every place of their maps, and much of it several times: YOLO."""

from __future__ import annotations

from typing import Any, List

import numpy as np

from farm.protocol.errors import Invalid

from .answers import Answers, Limits, Outputs, sigmoid, the_output
from .boxes import best, corners
from .fitting import Size

Array = Any

# More than so many are not compared with each other.
_CANDIDATES = 30000
# Width and height in pixels of the shapes of YOLOv5, three for each of its maps, the finest first.
_SHAPES = (
    ((10, 13), (16, 30), (33, 23)),
    ((30, 61), (62, 45), (59, 119)),
    ((116, 90), (156, 198), (373, 326)),
)
_BEFORE_CLASSES = 5


def yolov5(outputs: Outputs, size: Size, limits: Limits) -> List[Answers]:
    """Of N x places x (box, score, scores of classes) in pixels; or of three maps from which that is computed."""
    maps = [array for array in outputs.values() if array.ndim in (4, 5)]
    if len(maps) == len(_SHAPES) == len(outputs):
        decoded = _from_maps(outputs, size)
    else:
        decoded = the_output(outputs, "N x places x (5 + classes)", lambda name, x: x.ndim == 3)
    scores = decoded[..., 4:5] * decoded[..., _BEFORE_CLASSES:]
    return _best(decoded[..., :4], scores, limits)


def yolov8(outputs: Outputs, size: Size, limits: Limits) -> List[Answers]:
    """Of N x (box, scores of classes) x places, boxes in pixels: YOLOv8 and those after it."""
    found = the_output(outputs, "N x (4 + classes) x places", lambda name, x: x.ndim == 3)
    found = found.transpose(0, 2, 1)
    return _best(found[..., :4], found[..., 4:], limits)


def _best(boxes: Array, scores: Array, limits: Limits) -> List[Answers]:
    """Each place as its best class, and of those that overlap the best."""
    return [_best_of_one(box, score, limits) for box, score in zip(boxes, scores)]


def _best_of_one(boxes: Array, scores: Array, limits: Limits) -> Answers:
    classes, highest = scores.argmax(-1), scores.max(-1)
    (picked,) = np.nonzero(highest > limits.threshold)
    picked = picked[np.argsort(-highest[picked], kind="stable")[:_CANDIDATES]]
    boxes, highest, classes = corners(boxes[picked]), highest[picked], classes[picked]
    kept = best(boxes, highest, classes, limits.overlap, limits.top)
    return Answers(boxes[kept], highest[kept], classes[kept])


def _from_maps(outputs: Outputs, size: Size) -> Array:
    """What the maps say, N x (3 shapes x answers) x rows x columns or N x 3 x rows x columns x answers."""
    maps = sorted((_five_axes(name, outputs) for name in outputs), key=lambda x: -x.shape[2])
    return np.concatenate([_decoded(x, shapes, size) for x, shapes in zip(maps, _SHAPES)], 1)


def _five_axes(name: str, outputs: Outputs) -> Array:
    array = the_output({name: outputs[name]}, "a map", lambda name, x: True)
    if array.ndim == 4 and array.shape[1] % 3 == 0:
        count, channels, rows, columns = array.shape
        array = array.reshape(count, 3, channels // 3, rows, columns).transpose(0, 1, 3, 4, 2)
    if array.ndim != 5 or array.shape[1] != 3 or array.shape[-1] <= _BEFORE_CLASSES:
        raise Invalid(f"the output {name!r} is no map of YOLOv5", "Say with --as what kind of network it is.")
    return array


def _decoded(x: Array, shapes: Any, size: Size) -> Array:
    count, _, rows, columns, answers = x.shape
    x = sigmoid(x)
    places = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), -1).astype(np.float32)
    stride = np.array([size[0] / columns, size[1] / rows], np.float32)
    middles = (x[..., :2] * 2 - 0.5 + places) * stride
    sides = (x[..., 2:4] * 2) ** 2 * np.array(shapes, np.float32).reshape(1, 3, 1, 1, 2)
    return np.concatenate([middles, sides, x[..., 4:]], -1).reshape(count, -1, answers)
