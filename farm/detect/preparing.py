"""From pictures to the input of a network: scaled, placed, normalised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Sequence

import numpy as np

from farm.protocol.detection import Detection

from .fitting import Placement, Size
from .pictures import pillow

if TYPE_CHECKING:
    from PIL.Image import Image

Array = Any
NCHW, NHWC = "nchw", "nhwc"


@dataclass(frozen=True)
class Input:
    """The input of a network.

    Attributes:
        size: Width and height.
        dtype: Its element type.
        layout: `nchw` or `nhwc`.
    """

    name: str
    size: Size
    dtype: str
    layout: str


def as_seen(image: Image, placement: Placement, into: Size, detection: Detection) -> Array:
    """A picture as the network sees it, before numbers become others: uint8, height x width x 3, in RGB."""
    module = pillow()
    scaled = image if image.size == placement.scaled else image.resize(placement.scaled, module.Resampling.BILINEAR)
    if placement.scaled == into:
        return np.asarray(scaled)
    canvas = module.new("RGB", into, tuple(detection.fill))
    canvas.paste(scaled, (placement.left, placement.top))
    return np.asarray(canvas)


def as_input(seen: Sequence[Array], detection: Detection, wanted: Input) -> Array:
    """Pictures as one array of the element type and the order of axes that the network takes."""
    pixels = np.stack(seen)
    if detection.order == "bgr":
        pixels = pixels[..., ::-1]
    if wanted.layout == NCHW:
        pixels = pixels.transpose(0, 3, 1, 2)
    # Bytes are moved before they become numbers four times as large, which are then changed where they lie.
    pixels = np.ascontiguousarray(pixels)
    if wanted.dtype == "uint8":
        return pixels
    made = pixels.astype(np.float32)
    made /= np.float32(detection.scale)
    made -= _for_colours(detection.mean, wanted.layout)
    made /= _for_colours(detection.std, wanted.layout)
    return made.astype(np.dtype(wanted.dtype), copy=False)


def _for_colours(numbers: Sequence[float], layout: str) -> Array:
    """One number for each colour, or one for all, along the axis of colours."""
    return np.asarray(numbers, np.float32).reshape((-1, 1, 1) if layout == NCHW else -1)
