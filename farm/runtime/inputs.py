"""Whether arrays are what an engine takes. Strict: nothing is converted, reshaped or broadcast on the quiet."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

import numpy as np

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.options import ShapeRange
from farm.protocol.shapes import format_shape

from .cuda.array import DeviceArray

Array = Any
Ranges = Tuple[Dict[str, ShapeRange], ...]


def check_inputs(arrays: Mapping[str, Array], specs: Sequence[TensorSpec], ranges: Ranges = ()) -> Dict[str, Array]:
    """The arrays in the order of the engine's inputs.

    Args:
        arrays: Input name to array, of the host or of the GPU; a NumPy scalar is an array without axes.
        specs: What the engine takes; -1 is an axis of any size.
        ranges: The engine's profiles; the shapes must lie inside one of them. Empty allows every size.

    Raises: Invalid: the message names the input, what it is and what it should be.
    """
    names = [spec.name for spec in specs]
    unknown = [name for name in arrays if name not in names]
    if unknown:
        raise Invalid(f"the engine has no input {unknown[0]!r}", f"Its inputs are {_signature(specs)}.")
    missing = [spec for spec in specs if spec.name not in arrays]
    if missing:
        raise Invalid(f"the input {missing[0].name!r} is missing", f"Its inputs are {_signature(specs)}.")
    checked = {spec.name: _checked(spec, arrays[spec.name]) for spec in specs}
    _check_ranges(checked, ranges)
    return checked


def _checked(spec: TensorSpec, array: Array) -> Array:
    if not isinstance(array, (np.ndarray, np.generic, DeviceArray)):
        raise Invalid(
            f"input {spec.name!r} is a {type(array).__name__}, not an array",
            f"Give numpy.asarray(..., dtype={spec.dtype!r}).",
        )
    if array.dtype.name != spec.dtype:
        raise Invalid(
            f"input {spec.name!r} is {array.dtype.name}, the engine takes {spec.dtype}",
            f"Convert it with .astype({spec.dtype!r}).",
        )
    fits = array.ndim == len(spec.shape) and all(want in (-1, got) for want, got in zip(spec.shape, array.shape))
    if not fits:
        raise Invalid(
            f"input {spec.name!r} has the shape {format_shape(array.shape)}, "
            f"the engine takes {format_shape(spec.shape)}",
            "? is an axis of any size." if -1 in spec.shape else "Reshape it, or build for this shape.",
        )
    return array if isinstance(array, DeviceArray) else np.asarray(array, dtype=spec.dtype)


def _check_ranges(arrays: Mapping[str, Array], ranges: Ranges) -> None:
    if not ranges:
        return
    faults = [_outside(arrays, profile) for profile in ranges]
    if all(faults):
        raise Invalid(f"{faults[0][0]}", "Run within the profile, or build the engine with a wider one.")


def _outside(arrays: Mapping[str, Array], profile: Mapping[str, ShapeRange]) -> List[str]:
    """Every input whose shape leaves the profile."""
    return [
        f"input {name!r} has the shape {format_shape(arrays[name].shape)}, outside of the profile "
        f"{format_shape(allowed.minimum)} to {format_shape(allowed.maximum)}"
        for name, allowed in profile.items()
        if name in arrays and not _inside(arrays[name].shape, allowed)
    ]


def _inside(shape: Sequence[int], allowed: ShapeRange) -> bool:
    return len(shape) == len(allowed.minimum) and all(
        low <= axis <= high for low, axis, high in zip(allowed.minimum, shape, allowed.maximum)
    )


def _signature(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(f"{spec.name} ({spec.dtype} {format_shape(spec.shape)})" for spec in specs) or "none"
