"""Where a picture lies in the input of a network, and the way back from there for boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Tuple

import numpy as np

Array = Any
# Width and height in pixels, as Pillow has them.
Size = Tuple[int, int]

STRETCH, LETTERBOX, CORNER = "stretch", "letterbox", "corner"
FITS = (STRETCH, LETTERBOX, CORNER)


@dataclass(frozen=True)
class Placement:
    """A picture, scaled, at a place of the input.

    Attributes:
        picture: Its size.
        scaled: Its size in the input.
        left: Columns of the input before it.
        top: Rows above it.
    """

    picture: Size
    scaled: Size
    left: int = 0
    top: int = 0

    def to_picture(self, boxes: Array) -> Array:
        """Boxes (n x left, top, right, bottom) of the input in pixels of the picture, and not beyond its edges."""
        factors = np.array([mine / shown for mine, shown in zip(self.picture, self.scaled)] * 2)
        moved = (np.asarray(boxes, np.float64) - np.array([self.left, self.top] * 2)) * factors
        return np.clip(moved, 0, np.array(self.picture * 2))


def placed(picture: Size, into: Size, fit: str) -> Placement:
    """Where a picture of this size comes to lie in an input of that size.

    Args:
        picture: Width and height.
        into: Likewise.
        fit: One of `FITS`.
    """
    if fit == STRETCH:
        return Placement(picture, into)
    factor = min(whole / side for whole, side in zip(into, picture))
    width, height = (min(whole, max(1, round(side * factor))) for whole, side in zip(into, picture))
    if fit == CORNER:
        return Placement(picture, (width, height))
    return Placement(picture, (width, height), (into[0] - width) // 2, (into[1] - height) // 2)
