"""Pictures of a red and a green rectangle on white, whose places are known."""

from __future__ import annotations

from typing import Tuple

from PIL import Image, ImageDraw

Box = Tuple[int, int, int, int]

# Left, top, right and bottom, the last two beyond the rectangle, in a picture of 256 x 192.
SIZE = (256, 192)
RED: Box = (40, 32, 120, 96)
GREEN: Box = (160, 96, 232, 160)
_RED, _GREEN = (255, 0, 0), (0, 255, 0)


def scene(size: Tuple[int, int] = SIZE, red: Box = RED, green: Box = GREEN) -> Image.Image:
    """A picture with both."""
    made = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(made)
    for box, colour in ((red, _RED), (green, _GREEN)):
        draw.rectangle((box[0], box[1], box[2] - 1, box[3] - 1), fill=colour)
    return made
