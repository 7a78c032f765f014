"""What size and how many pictures an engine takes at once, where it leaves that open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Sequence, Tuple

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.options import ShapeRange
from farm.protocol.shapes import format_shape
from farm.runtime.inputs import Ranges

from .fitting import Size
from .manner import Manner
from .preparing import NCHW, NHWC, Input

_COLOURS = 3
# Where height and width are.
_SIDES = {NCHW: (2, 3), NHWC: (1, 2)}


@dataclass(frozen=True)
class Batch:
    """How many pictures go in at once.

    Attributes:
        most: Those of an inference.
        fewest: Where fewer are left, some are repeated to make so many.
    """

    most: int
    fewest: int


def fitted(specs: Sequence[TensorSpec], ranges: Ranges, manner: Manner, usual: Size) -> Tuple[Input, Batch]:
    """The input of pictures, and how many it takes.

    Args:
        specs: All inputs of the engine.
        ranges: The profiles that it was built for.
        manner: What is asked for.
        usual: Width and height where nothing else tells them.

    Raises: Invalid: the engine does not take pictures, or not of that size, or not so many.
    """
    spec, layout = _pictures(specs)
    allowed = ranges[0].get(spec.name) if ranges else None
    rows, columns = _SIDES[layout]
    asked = {}
    if manner.size is not None:
        asked = {rows: manner.size[1], columns: manner.size[0]}
    if manner.batch is not None:
        asked[0] = manner.batch
    for axis, wanted in asked.items():
        _check_asked(spec, axis, wanted, allowed)
    otherwise = {0: 1, rows: usual[1], columns: usual[0]}
    most, height, width = (asked.get(axis) or _usual(spec, axis, allowed, otherwise) for axis in (0, rows, columns))
    fewest = most if spec.shape[0] != -1 else min(most, allowed.minimum[0] if allowed else 1)
    return Input(spec.name, (width, height), spec.dtype, layout), Batch(most, fewest)


def _pictures(specs: Sequence[TensorSpec]) -> Tuple[TensorSpec, str]:
    """The one input, and where its colours are."""
    told = ", ".join(f"{spec.name} ({spec.dtype} {format_shape(spec.shape)})" for spec in specs)
    if len(specs) == 1 and len(specs[0].shape) == 4:
        for layout, axis in ((NCHW, 1), (NHWC, 3)):
            if specs[0].shape[axis] == _COLOURS:
                return specs[0], layout
    raise Invalid(f"the engine does not take pictures of three colours alone: its inputs are {told}", "Use farm run.")


def _check_asked(spec: TensorSpec, axis: int, wanted: int, allowed: Optional[ShapeRange]) -> None:
    known = spec.shape[axis]
    what, option = ("pictures at once", "--batch") if axis == 0 else ("pixels", "--HW")
    low, high = (allowed.minimum[axis], allowed.maximum[axis]) if allowed else (known, known)
    if (known, low) != (-1, -1) and not low <= wanted <= high:
        takes = f"{low}" if low == high else f"{low} to {high}"
        raise Invalid(f"the engine takes {takes} {what}, not {wanted}", f"Leave {option} out, or build for that.")


def _usual(spec: TensorSpec, axis: int, allowed: Optional[ShapeRange], otherwise: dict[int, int]) -> int:
    if spec.shape[axis] != -1:
        return spec.shape[axis]
    return allowed.optimum[axis] if allowed else otherwise[axis]
