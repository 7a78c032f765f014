"""What a submission says about the inputs of a model, held against those that the model declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterable, Iterator, Optional, Sequence, Tuple, Union

from .errors import Invalid
from .options import BuildOptions, ReferencePolicy
from .shapes import format_shape


@dataclass(frozen=True)
class DeclaredInput:
    """An input as a graph declares it.

    Attributes:
        axes: A size, or -1 or the name that the exporter gave to an axis of any size; None for any number of axes.
    """

    name: str
    axes: Optional[Tuple[Union[int, str], ...]]

    def __str__(self) -> str:
        return f"{self.name} {'of any shape' if self.axes is None else format_shape(self.axes)}"


def check_inputs(declared: Sequence[DeclaredInput], options: BuildOptions, reference: ReferencePolicy) -> None:
    """Pass where every name is one of an input, and every shape one that the input can have.

    Raises: Invalid: the sentence names the input, the hint lists all of them.
    """
    known = {item.name: item for item in declared}
    listed = ", ".join(str(item) for item in declared) or "none"
    for option, name in _names(options, reference):
        if name not in known:
            raise Invalid(f"{option} names {name!r}, which is no input of the model", f"Its inputs are {listed}.")
    for name, shape in _shapes(options, reference):
        problem = _problem(known[name].axes, shape)
        if problem:
            told = f"input {name!r} cannot have the shape {format_shape(shape)}: {problem}"
            raise Invalid(told, f"The inputs are {listed}.")


def says_anything(options: BuildOptions, reference: ReferencePolicy) -> bool:
    """True where there is something for `check_inputs` to check."""
    return any(True for _ in _names(options, reference))


def _names(options: BuildOptions, reference: ReferencePolicy) -> Iterator[Tuple[str, str]]:
    shapes = (name for name, _ in _shapes(options, reference))
    told: Sequence[Tuple[str, Iterable[str]]] = (
        ("--shapes", shapes),
        ("--value", reference.values),
        ("--range", reference.ranges),
    )
    return ((option, name) for option, names in told for name in names)


def _shapes(options: BuildOptions, reference: ReferencePolicy) -> Iterator[Tuple[str, Tuple[int, ...]]]:
    for profile in options.profiles:
        for name, shape in profile.items():
            for each in (shape.minimum, shape.optimum, shape.maximum):
                yield name, each
    yield from reference.shapes.items()


def _problem(axes: Optional[Tuple[Union[int, str], ...]], shape: Tuple[int, ...]) -> str:
    if axes is None:
        return ""
    if len(axes) != len(shape):
        return f"it has {_counted(len(axes))}, not {len(shape)}"
    for position, (axis, size) in enumerate(zip(axes, shape)):
        if isinstance(axis, int) and axis > 0 and axis != size:
            return f"axis {position} is always {axis}"
    return ""


def _counted(axes: int) -> str:
    return f"{axes} axis" if axes == 1 else f"{axes} axes"
