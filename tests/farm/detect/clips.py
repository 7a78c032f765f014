"""A short video of a scene whose red rectangle moves."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Tuple

from farm.detect.video import Shown, Writer

from .scenes import Box, scene

STEP = 8
RATE = Fraction(10)


def red_at(number: int) -> Box:
    """Where the rectangle is in that picture."""
    return (16 + STEP * number, 32, 96 + STEP * number, 96)


def clip(path: Path, pictures: int = 7, size: Tuple[int, int] = (256, 192)) -> Path:
    """The video."""
    with Writer(path, RATE) as writer:
        for number in range(pictures):
            writer.add(Shown(scene(size, red_at(number)), float(number / RATE)))
    return path
