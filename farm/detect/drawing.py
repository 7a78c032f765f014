"""Boxes and labels drawn over a picture."""

from __future__ import annotations

import colorsys
from typing import TYPE_CHECKING, Sequence, Tuple

from .found import Found

if TYPE_CHECKING:
    from PIL.Image import Image

Colour = Tuple[int, int, int]

# Neighbouring classes get hues far from each other.
_GOLDEN = 0.618034
# Shares of the shorter side of a picture, with the least in pixels.
_LINE, _LEAST_LINE = 1 / 250, 2
_TEXT, _LEAST_TEXT = 1 / 40, 11
_DARK = 140


def drawn(image: Image, found: Sequence[Found]) -> Image:
    """A copy of the picture with a box, a label and a score for each object; the best on top."""
    from PIL import ImageDraw, ImageFont

    copy = image.convert("RGB")
    copy = copy.copy() if copy is image else copy
    draw = ImageDraw.Draw(copy)
    shorter = min(copy.size)
    line = max(_LEAST_LINE, round(shorter * _LINE))
    font = ImageFont.load_default(max(_LEAST_TEXT, round(shorter * _TEXT)))
    for item in reversed(found):
        left, top, right, bottom = item.box
        edges = (left, top, max(left, right - 1), max(top, bottom - 1))
        draw.rectangle(edges, outline=colour_of(item.number), width=line)
    # Over all boxes, or another box would cross them out.
    for item in reversed(found):
        colour = colour_of(item.number)
        text = f"{item.label} {item.score:.2f}"
        area = label_area(draw.textbbox((0, 0), text, font=font), item.box, copy.size)
        draw.rectangle(area, fill=colour)
        draw.text((area[0] + 2, area[1] + 1), text, _readable(colour), font, anchor="la")
    return copy


def label_area(text: Sequence[float], box: Sequence[float], size: Tuple[int, int]) -> Tuple[int, int, int, int]:
    """Where a label goes: above its box, or within it where there is no room, and always inside of the picture.

    Args:
        text: Left, top, right and bottom of the text alone.
        box: Of the object.
        size: Of the picture.
    """
    width, height = int(text[2]) + 4, int(text[3]) + 3
    left = max(0, min(int(box[0]), size[0] - width))
    top = int(box[1]) - height
    if top < 0:
        top = max(0, min(int(box[1]), size[1] - height))
    return left, top, left + width - 1, top + height - 1


def colour_of(number: int) -> Colour:
    """The colour of a class."""
    red, green, blue = colorsys.hsv_to_rgb(number * _GOLDEN % 1, 0.85, 1.0)
    return round(red * 255), round(green * 255), round(blue * 255)


def _readable(colour: Colour) -> str:
    """Black or white, whichever stands out."""
    red, green, blue = colour
    return "black" if 0.3 * red + 0.59 * green + 0.11 * blue > _DARK else "white"
