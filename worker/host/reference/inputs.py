"""The reference inputs of a model: the user's arrays, values and ranges, else generated from what the graph tells."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.options import ReferencePolicy
from farm.protocol.shapes import format_shape
from farm.runtime.arrays import load_arrays
from farm.runtime.inputs import check_inputs

from ..graph.model import Model
from .generate import fill, generate
from .meaning import meanings
from .shapes import Shape, resolve
from .sizing import check_memory, sized

if TYPE_CHECKING:
    from onnx import ModelProto

Array = Any


def reference_inputs(
    model: Model, policy: ReferencePolicy, given_file: Path | None, available_bytes: int
) -> dict[str, Array]:
    """One array for each input, in the order of the model.

    Args:
        model: The model as it came.
        policy: What the user said; its arrays are in `given_file`.
        given_file: The .npz file of `--loadInputs`, or None.
        available_bytes: Memory that a preparation may take; a graph that needs more is refused.

    Raises: Invalid: the user's word does not fit the model, or too little is known to make inputs.
    """
    given = load_arrays(given_file) if given_file else {}
    specs = {spec.name: spec for spec in model.inputs}
    _check_names(policy, specs)
    shapes = resolve(model.proto, _given_shapes(policy, given))
    inner = sized(model.proto, shapes)
    check_memory(inner, available_bytes)
    arrays = _made(specs, shapes, policy, given, inner)
    return check_inputs(arrays, model.inputs)


def _made(
    specs: Mapping[str, TensorSpec],
    shapes: Mapping[str, Shape],
    policy: ReferencePolicy,
    given: Mapping[str, Array],
    inner: ModelProto,
) -> dict[str, Array]:
    known = meanings(inner)
    arrays = {}
    for name, spec in specs.items():
        if name in given:
            arrays[name] = given[name]
        elif name in policy.values:
            arrays[name] = fill(spec, shapes[name], policy.values[name])
        else:
            arrays[name] = generate(spec, shapes[name], known[name], policy.seed, _range(policy, name))
    return arrays


def _given_shapes(policy: ReferencePolicy, given: Mapping[str, Array]) -> dict[str, Shape]:
    shapes = {name: tuple(shape) for name, shape in policy.shapes.items()}
    for name, array in given.items():
        if shapes.setdefault(name, array.shape) != array.shape:
            raise Invalid(
                f"input {name!r} has the shape {format_shape(array.shape)} in the file and "
                f"{format_shape(shapes[name])} in --shapes",
                "Give one of the two.",
            )
    return shapes


def _check_names(policy: ReferencePolicy, specs: Mapping[str, TensorSpec]) -> None:
    for option, names in (("--value", policy.values), ("--range", policy.ranges)):
        unknown = next((name for name in names if name not in specs), None)
        if unknown is not None:
            raise Invalid(f"{option} names {unknown!r}, which is no input", f"The inputs are {', '.join(specs)}.")
    both = next((name for name in policy.values if name in policy.ranges), None)
    if both is not None:
        raise Invalid(f"input {both!r} has a value and a range", "Give one of --value and --range.")


def _range(policy: ReferencePolicy, name: str) -> tuple[float, float] | None:
    span = policy.ranges.get(name)
    if span is None:
        return None
    if len(span) != 2 or span[0] > span[1]:
        raise Invalid(f"the range of input {name!r} is {span}", "Give the lowest and the highest value: NAME=LO,HI.")
    return span[0], span[1]
