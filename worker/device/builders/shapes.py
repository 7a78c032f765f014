"""What the profiles of an order say of the inputs of its model, for builders of every backend."""

from __future__ import annotations

from typing import Sequence, Tuple

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.options import ShapeRange
from farm.protocol.shapes import format_shape

from .base import BuildOrder

# First axis and others of a shape that shows how to write one.
_EXAMPLES = (("min", (1, 1)), ("opt", (1, 224)), ("max", (8, 448)))


def check_profiles(order: BuildOrder) -> None:
    """Every profile names inputs that the model has, with ranges that the model allows.

    Raises: Invalid
    """
    specs = {spec.name: spec for spec in order.inputs}
    for profile in order.options.profiles:
        for name, allowed in profile.items():
            if name not in specs:
                raise Invalid(f"a profile names the input {name!r}", f"The model's inputs are {', '.join(specs)}.")
            check_range(specs[name], allowed)


def check_range(spec: TensorSpec, allowed: ShapeRange) -> None:
    """A range has the axes of the input, and the sizes of those that the model fixes.

    Raises: Invalid
    """
    if not len(allowed.minimum) == len(allowed.optimum) == len(allowed.maximum) == len(spec.shape):
        raise Invalid(
            f"the profile gives input {spec.name!r} {len(allowed.optimum)} axes, the model {len(spec.shape)}",
            "Give a size for each axis of the model.",
        )
    for axis, (size, low, high) in enumerate(zip(spec.shape, allowed.minimum, allowed.maximum)):
        if size not in (-1, low) or size not in (-1, high):
            raise Invalid(
                f"the profile gives axis {axis} of input {spec.name!r} {low} to {high}, the model fixes it at {size}",
                "Export the model with a dynamic axis, or give that size.",
            )


def require_shapes(order: BuildOrder, name: str) -> None:
    """Every profile has a range for every input with an open axis, for backends that need one.

    Args:
        order: What to build.
        name: Of backend and version, for the message.

    Raises: Invalid: lists all inputs that lack one, and shows what to type.
    """
    lacking = [
        spec
        for spec in order.inputs
        if -1 in spec.shape and not (order.options.profiles and all(spec.name in p for p in order.options.profiles))
    ]
    if not lacking:
        return
    told = ", ".join(f"{spec.name} {format_shape(spec.shape)}" for spec in lacking)
    flags = " ".join(f"--{which}-shapes {_example(lacking, size)}" for which, size in _EXAMPLES)
    raise Invalid(
        f"{name} needs the smallest, best and largest shape of every input with an open axis; {told} "
        f"{'has' if len(lacking) == 1 else 'have'} none",
        f"Add for instance {flags} with sizes of your own.",
    )


def _example(specs: Sequence[TensorSpec], sizes: Tuple[int, int]) -> str:
    return ",".join(f"{spec.name}:{format_shape(_filled(spec.shape, sizes))}" for spec in specs)


def _filled(shape: Tuple[int, ...], sizes: Tuple[int, int]) -> Tuple[int, ...]:
    return tuple(sizes[min(axis, 1)] if size == -1 else size for axis, size in enumerate(shape))
