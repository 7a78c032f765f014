"""The size of every axis of every input: the user's word, the given arrays, the model, and 1 for a batch."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from farm.protocol.errors import Invalid
from farm.protocol.shapes import format_shape

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

Shape = tuple[int, ...]
# A size, or the name of an axis of any size, empty where its exporter gave none.
Axes = list[int | str]

# Only these mean "one is a size like any other": a length or a width of 1 would be a network nobody runs.
_BATCH = re.compile(r"batch.*|.*batch(_?size)?|bs|bsz|b|n", re.IGNORECASE)


def resolve(proto: ModelProto, given: Mapping[str, Shape]) -> dict[str, Shape]:
    """Input name to shape. An axis named in several inputs has one size; a first axis named as a batch is 1.

    Args:
        proto: The graph.
        given: Shapes of inputs, from the user or from his arrays.

    Raises: Invalid: a shape is given for no input or does not fit it, or an axis has no size; the hint is the option
        to type.
    """
    inputs = {value.name: axes_of(value) for value in proto.graph.input}
    unknown = [name for name in given if name not in inputs]
    if unknown:
        raise Invalid(f"the model has no input {unknown[0]!r}", f"Its inputs are {_listed(inputs)}.")
    sizes: dict[str, int] = {}
    for name, shape in given.items():
        _bind(name, inputs[name], shape, sizes)
    for axes in inputs.values():
        if axes and isinstance(axes[0], str) and _BATCH.fullmatch(axes[0]):
            sizes.setdefault(axes[0], 1)
    found = {name: given[name] if name in given else _sized(axes, sizes) for name, axes in inputs.items()}
    missing = {name: axes for name, axes in inputs.items() if found[name] is None}
    if missing:
        asked = ",".join(f"{name}:{_asked(axes, sizes)}" for name, axes in missing.items())
        raise Invalid(f"the model takes any size of {_listed(missing)}", f"Say which to use: --shapes {asked}")
    return {name: tuple(shape) for name, shape in found.items() if shape is not None}


def axes_of(value: ValueInfoProto) -> Axes | None:
    """The axes of an input; None where the model does not even say how many there are."""
    kind = value.type.tensor_type
    if not kind.HasField("shape"):
        return None
    return [axis.dim_value if axis.HasField("dim_value") else str(axis.dim_param) for axis in kind.shape.dim]


def _bind(name: str, axes: Axes | None, shape: Shape, sizes: dict[str, int]) -> None:
    if any(size < 1 for size in shape):
        raise Invalid(f"input {name!r} cannot have the shape {format_shape(shape)}", "Give sizes from 1 up.")
    if axes is None:
        return
    if len(axes) != len(shape):
        raise Invalid(
            f"input {name!r} has {len(axes)} axes, {_axes(axes)}, got {format_shape(shape)}",
            "Give a size for each axis.",
        )
    for position, (axis, size) in enumerate(zip(axes, shape, strict=True)):
        fixed = axis if isinstance(axis, int) else sizes.setdefault(axis, size) if axis else size
        if fixed != size:
            told = f"the axis {axis!r}" if isinstance(axis, str) else f"axis {position}"
            raise Invalid(
                f"{told} of input {name!r} is {fixed}, got {size} in {format_shape(shape)}", f"Give {fixed} there."
            )


def _sized(axes: Axes | None, sizes: Mapping[str, int]) -> Shape | None:
    if axes is None:
        return None
    found = [axis if isinstance(axis, int) else sizes.get(axis) if axis else None for axis in axes]
    return None if None in found else tuple(size for size in found if size is not None)


def _asked(axes: Axes | None, sizes: Mapping[str, int]) -> str:
    """What is known, and a word for what the user has to replace."""
    if axes is None:
        return "SHAPE"
    told = [axis if isinstance(axis, int) else sizes.get(axis, axis.upper() or "?") for axis in axes]
    return "x".join(str(axis) for axis in told) or "scalar"


def _listed(inputs: Mapping[str, Axes | None]) -> str:
    return ", ".join(f"{name} {_axes(axes)}" for name, axes in inputs.items()) or "none"


def _axes(axes: Axes | None) -> str:
    return "of any shape" if axes is None else format_shape(axes)
