"""How pictures go into a network that finds objects, and how its answers are read: written where it is exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

# The key under which an ONNX file carries it, as JSON, in its metadata.
DETECTION_KEY = "farm.detection"


@dataclass(frozen=True)
class Detection:
    """What an application has to know of a network that finds objects in pictures.

    A colour from 0 to 255 goes in as `(colour / scale - mean) / std`.

    Attributes:
        answers: How its outputs are read: `detr`, `deformable-detr`, `yolov5`, `yolov8` or `mask-rcnn`.
        mean: For each colour in the order of `order`, or one for all.
        std: Likewise.
        order: `rgb` or `bgr`.
        fit: How a picture becomes as large as the input: `stretch`, or in proportion and with `fill` around it, in the
            middle (`letterbox`) or at the upper left (`corner`).
        fill: Red, green and blue of that, from 0 to 255.
        labels: Names of its classes, the one of class 0 first; empty for those of COCO.
    """

    answers: str
    mean: Tuple[float, ...] = (0.0,)
    std: Tuple[float, ...] = (1.0,)
    scale: float = 255.0
    order: str = "rgb"
    fit: str = "stretch"
    fill: Tuple[int, ...] = (114, 114, 114)
    labels: Tuple[str, ...] = ()
