"""The kinds of networks whose answers can be read. One line for each in `KINDS`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping, Tuple

from farm.protocol.detection import Detection
from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.shapes import format_shape

from . import regions, transformers, yolo
from .answers import Decode
from .fitting import CORNER, LETTERBOX, Size
from .labels import COCO_80, COCO_91

# Of the pictures of ImageNet: how most networks take theirs. That mean as a colour is 0 to them.
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_MEAN_COLOUR = (124, 116, 104)


@dataclass(frozen=True)
class Kind:
    """A kind of network.

    Attributes:
        decode: Reads its answers.
        threshold: Of scores that are usually shown.
        size: Width and height of its input where an engine takes any.
        labels: Of its classes, unless its model names others.
        usual: How pictures go in where the engine does not say.
    """

    decode: Decode
    threshold: float
    size: Size
    labels: Tuple[str, ...]
    usual: Detection


KINDS: Mapping[str, Kind] = {
    "deformable-detr": Kind(
        transformers.deformable_detr, 0.4, (1088, 800), COCO_91, Detection("deformable-detr", _MEAN, _STD)
    ),
    "detr": Kind(transformers.detr, 0.7, (1088, 800), COCO_91, Detection("detr", _MEAN, _STD)),
    "mask-rcnn": Kind(
        regions.mask_rcnn,
        0.5,
        (1088, 800),
        COCO_91,
        Detection("mask-rcnn", _MEAN, _STD, fit=CORNER, fill=_MEAN_COLOUR),
    ),
    "yolov5": Kind(yolo.yolov5, 0.25, (640, 640), COCO_80, Detection("yolov5", fit=LETTERBOX)),
    "yolov8": Kind(yolo.yolov8, 0.25, (640, 640), COCO_80, Detection("yolov8", fit=LETTERBOX)),
}


def kind_of(name: str) -> Kind:
    """The kind of that name.

    Raises: Invalid: there is none.
    """
    if name not in KINDS:
        raise Invalid(f"there is no kind of network {name!r}", f"The kinds are {', '.join(sorted(KINDS))}.")
    return KINDS[name]


def unknown_kind(outputs: Tuple[TensorSpec, ...]) -> Invalid:
    """What to say of an engine whose model does not tell how its answers are read: never is that guessed."""
    told = ", ".join(f"{spec.name} ({spec.dtype} {format_shape(spec.shape)})" for spec in outputs)
    return Invalid(
        f"the engine does not say how its answers are read: its outputs are {told}",
        f"Give --as {'|'.join(sorted(KINDS))}, the kind of its network.",
    )
