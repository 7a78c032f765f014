"""What networks answer, in one form; and which output is which, told by shapes since names differ."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, List, Mapping

import numpy as np

from farm.protocol.errors import Invalid, NumericsFailed
from farm.protocol.shapes import format_shape

from .fitting import Size

Array = Any
Outputs = Mapping[str, Array]


@dataclass(frozen=True)
class Limits:
    """What counts.

    Attributes:
        threshold: Scores must be above it.
        top: Of one picture no more than so many.
        overlap: Of two boxes of one class that share more of their area, only the better one stays; where the
            network has not seen to that itself.
    """

    threshold: float
    top: int = 100
    overlap: float = 0.45


@dataclass(frozen=True)
class Answers:
    """What was found in one picture, best first.

    Attributes:
        boxes: n x left, top, right, bottom in pixels of the input.
        scores: n, from 0 to 1.
        classes: n whole numbers.
    """

    boxes: Array
    scores: Array
    classes: Array


# Outputs, size of the input and limits to what was found in each picture of the batch.
Decode = Callable[[Outputs, Size, Limits], List[Answers]]


def the_output(outputs: Outputs, what: str, fits: Callable[[str, Array], bool]) -> Array:
    """The only output that fits, its fractions as float32.

    Raises:
        Invalid: there is none, or several.
        NumericsFailed: it holds NaN or infinity.
    """
    found = {name: array for name, array in outputs.items() if fits(name, array)}
    if len(found) != 1:
        told = ", ".join(f"{name} ({array.dtype} {format_shape(array.shape)})" for name, array in outputs.items())
        count = "several outputs are" if found else "no output is"
        raise Invalid(f"{count} {what}; the engine gives {told}", "Say with --as what kind of network it is.")
    ((name, array),) = found.items()
    if array.dtype.kind != "f":
        return array
    if not np.isfinite(array).all():
        raise NumericsFailed(
            f"the output {name!r} holds NaN or infinity", "Check the engine with farm verify, or build it in fp32."
        )
    return array.astype(np.float32)


def above(answers: Answers, limits: Limits) -> Answers:
    """The best of what scores enough."""
    order = np.argsort(-answers.scores, kind="stable")
    order = order[answers.scores[order] > limits.threshold][: limits.top]
    return Answers(answers.boxes[order], answers.scores[order], answers.classes[order])


def sigmoid(x: Array) -> Array:
    """From all numbers to those between 0 and 1; without overflow."""
    return (1 + np.tanh(x / 2)) / 2
