"""How to look at pictures where somebody wants it other than the engine says."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Callable, Dict, Mapping, Optional, Tuple

from farm.protocol.detection import Detection
from farm.protocol.errors import Invalid

from .fitting import FITS, Size

_ORDERS = ("rgb", "bgr")
_CHANNELS = 3


@dataclass(frozen=True)
class Manner:
    """What is left out is as the engine, or the kind of its network, has it.

    Attributes:
        kind: One of `farm.detect.kinds.KINDS`.
        threshold: Scores must be above it.
        top: Of one picture no more than so many objects.
        overlap: Of two boxes of a class that share more, the better one stays; networks with queries need none.
        size: Width and height of the input, where the engine takes any.
        batch: Pictures at once, likewise.
        labels: Names of classes.
        changes: Fields of `Detection` as texts: `mean`, `std`, `scale`, `order`, `fit`, `fill`.
    """

    kind: str = ""
    threshold: Optional[float] = None
    top: int = 100
    overlap: float = 0.45
    size: Optional[Size] = None
    batch: Optional[int] = None
    labels: Tuple[str, ...] = ()
    changes: Dict[str, str] = field(default_factory=dict)


def changed(detection: Detection, changes: Mapping[str, str]) -> Detection:
    """With other fields, which are texts: numbers for each colour are separated by strokes.

    Raises: Invalid: there is no such field, or its value cannot be.
    """
    values: Dict[str, Any] = {}
    for name, text in changes.items():
        if name not in _READ:
            raise Invalid(f"there is no preprocessing {name!r}", f"There are {', '.join(_READ)}.")
        read, written = _READ[name]
        try:
            values[name] = read(text)
        except ValueError:
            raise Invalid(f"{name} cannot be {text!r}", f"Write it as {name}={written}.") from None
    return check_detection(replace(detection, **values))


def check_detection(detection: Detection) -> Detection:
    """What a model says of pictures, if it can be.

    Raises: Invalid
    """
    sizes = {len(detection.mean), len(detection.std)} <= {1, _CHANNELS} and len(detection.fill) == _CHANNELS
    words = detection.order in _ORDERS and detection.fit in FITS
    if not (sizes and words and detection.scale and all(detection.std)):
        raise Invalid(
            f"pictures cannot go into the network as is said: {detection.order}, {detection.fit}, mean "
            f"{detection.mean}, std {detection.std}, scale {detection.scale:g}, fill {detection.fill}",
            "Give what differs with --preprocess NAME=VALUE.",
        )
    return detection


def _numbers(text: str) -> Tuple[float, ...]:
    numbers = tuple(float(part) for part in text.split("/"))
    if len(numbers) not in (1, _CHANNELS) or not all(map(math.isfinite, numbers)):
        raise ValueError(text)
    return numbers


def _spread(text: str) -> Tuple[float, ...]:
    numbers = _numbers(text)
    if not all(numbers):
        raise ValueError(text)
    return numbers


def _scale(text: str) -> float:
    scale = float(text)
    if not scale or not math.isfinite(scale):
        raise ValueError(text)
    return scale


def _colour(text: str) -> Tuple[int, ...]:
    numbers = [int(part) for part in text.split("/")]
    if len(numbers) != _CHANNELS or not all(0 <= number <= 255 for number in numbers):
        raise ValueError(text)
    return tuple(numbers)


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(text)
        return text

    return read


_READ: Mapping[str, Tuple[Callable[[str], Any], str]] = {
    "mean": (_numbers, "0.485/0.456/0.406"),
    "std": (_spread, "0.229/0.224/0.225"),
    "scale": (_scale, "255"),
    "order": (_one_of(*_ORDERS), "|".join(_ORDERS)),
    "fit": (_one_of(*FITS), "|".join(FITS)),
    "fill": (_colour, "114/114/114"),
}
