"""Both spellings of shapes that people type: trtexec's `x:1x3x224x224` and polygraphy's `x:[1,3,224,224]`; and ours."""

from __future__ import annotations

import re
from typing import Dict, Optional, Sequence, Tuple, Union

from .errors import Invalid
from .options import ShapeRange

_ITEM = re.compile(r"\s*(?P<name>[^,\[\]]+?)\s*:\s*(?:\[(?P<list>[^\]]*)\]|(?P<cross>\d+(?:x\d+)*|scalar))\s*(?:,|$)")

Shapes = Dict[str, Tuple[int, ...]]


def parse_shapes(text: str) -> Shapes:
    """Input name to shape; several inputs are separated by commas; `name:[]` and `name:scalar` have no axes.

    Raises: Invalid: the message names what could not be read.
    """
    shapes: Shapes = {}
    position = 0
    while position < len(text):
        match = _ITEM.match(text, position)
        if match is None:
            raise Invalid(
                f"cannot read the shape {text[position:]!r}",
                "Write name:1x3x224x224 or name:[1,3,224,224], with commas.",
            )
        name = match["name"].strip("'\"")
        if name in shapes:
            raise Invalid(f"input {name!r} has two shapes in {text!r}", "Give each input once.")
        shapes[name] = _axes(name, match["list"], match["cross"])
        position = match.end()
    if not shapes:
        raise Invalid("an empty shape was given", "Write name:1x3x224x224.")
    return shapes


def format_shape(axes: Sequence[Union[int, str]]) -> str:
    """`1x3x224x224`, as it is typed; `[batch, 3, ?]` where an axis has a name or any size; `scalar` without axes."""
    words = ["?" if axis in (-1, "-1", "") else str(axis) for axis in axes]
    if all(word.isdigit() for word in words):
        return "x".join(words) or "scalar"
    return f"[{', '.join(words)}]"


def format_shapes(shapes: Shapes) -> str:
    """The trtexec spelling, which `parse_shapes` reads back."""
    return ",".join(f"{name}:{format_shape(axes)}" for name, axes in shapes.items())


def profile_from_shapes(minimum: Optional[Shapes], optimum: Optional[Shapes], maximum: Optional[Shapes]) -> Profile:
    """One profile out of the three options; a missing optimum is the maximum, other missing ones are the optimum.

    Raises: Invalid: an input lacks in one option, ranks differ, or minimum ≤ optimum ≤ maximum does not hold.
    """
    best = optimum or maximum or minimum
    if best is None:
        return {}
    least, most = minimum or best, maximum or best
    profile = {}
    for name in sorted(set(least) | set(best) | set(most)):
        missing = [option for option, given in (("min", least), ("opt", best), ("max", most)) if name not in given]
        if missing:
            raise Invalid(f"input {name!r} has no {missing[0]} shape", f"Add it to --{missing[0]}Shapes.")
        profile[name] = _checked(name, ShapeRange(least[name], best[name], most[name]))
    return profile


Profile = Dict[str, ShapeRange]


def _axes(name: str, listed: Optional[str], crossed: Optional[str]) -> Tuple[int, ...]:
    if crossed == "scalar" or (listed is not None and not listed.strip()):
        return ()
    parts = listed.split(",") if listed is not None else (crossed or "").split("x")
    try:
        axes = tuple(int(part) for part in parts)
    except ValueError:
        raise Invalid(f"input {name!r}: {listed!r} is not a list of sizes", "Write whole numbers.") from None
    if any(axis < 0 for axis in axes):
        raise Invalid(f"input {name!r}: an axis cannot be negative", "Give the size to build for.")
    return axes


def _checked(name: str, shape: ShapeRange) -> ShapeRange:
    if not len(shape.minimum) == len(shape.optimum) == len(shape.maximum):
        raise Invalid(f"input {name!r}: minimum, optimum and maximum have different ranks", "Give each as many axes.")
    for axis, (low, best, high) in enumerate(zip(shape.minimum, shape.optimum, shape.maximum)):
        if not low <= best <= high:
            raise Invalid(
                f"input {name!r} needs minimum ≤ optimum ≤ maximum, got {low}, {best}, {high} at axis {axis}",
                "Put --minShapes, --optShapes and --maxShapes in that order.",
            )
    return shape
