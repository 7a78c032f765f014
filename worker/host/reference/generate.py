"""Arrays for inputs that nobody gave. Each input has a stream of its own: adding one changes no other."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid

from .meaning import Meaning
from .shapes import Shape

if TYPE_CHECKING:
    from numpy.random import Generator

Array = Any
Range = tuple[float, float]

_KNOWN = frozenset(
    ("bool", "float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
)
_FLOATS: Range = (-1.0, 1.0)
# Whole numbers that mean nothing we can see: masks, kinds, flags.
_FLAGS: Range = (0, 1)


def generate(spec: TensorSpec, shape: Shape, meaning: Meaning, seed: int, given: Range | None = None) -> Array:
    """An array for one input; the same arguments give the same array.

    Args:
        spec: Name and element type.
        shape: Its shape.
        meaning: What the graph tells about its values.
        seed: Of the whole set of inputs.
        given: The user's lowest and highest value.

    Raises: Invalid: the input decides a shape, so that no value can be guessed, or the range has no values.
    """
    import numpy as np

    dtype = _dtype(spec)
    draw = np.random.default_rng([seed, zlib.crc32(spec.name.encode())])
    if given is None and meaning.constant is not None:
        return np.full(shape, meaning.constant, dtype)
    if dtype.kind == "b":
        return _whole(draw, given or _FLAGS, shape).astype(dtype)
    if dtype.kind in "iu":
        low, high = given or _meant(spec, dtype, meaning)
        limits = np.iinfo(dtype)
        if low < limits.min or high > limits.max:
            raise Invalid(f"the range of input {spec.name!r} does not fit {spec.dtype}", f"Stay within {limits}.")
        return _whole(draw, (low, high), shape).astype(dtype)
    low, high = given or _FLOATS
    return draw.uniform(low, high, shape).astype(dtype)


def fill(spec: TensorSpec, shape: Shape, value: float) -> Array:
    """An array with one value throughout.

    Raises: Invalid: the element type cannot hold it.
    """
    import numpy as np

    dtype = _dtype(spec)
    with np.errstate(over="ignore", invalid="ignore"):
        array = np.full(shape, value).astype(dtype)
    if dtype.kind in "biu" and (np.asarray(array, dtype=np.float64) != value).any():
        raise Invalid(f"{value:g} does not fit input {spec.name!r}, which is {spec.dtype}", "Give another --value.")
    return array


def _dtype(spec: TensorSpec) -> Any:
    import numpy as np

    if spec.dtype not in _KNOWN:
        raise Invalid(
            f"input {spec.name!r} is {spec.dtype}, which reference inputs cannot be",
            "Export the model with float32 or float16 inputs.",
        )
    return np.dtype(spec.dtype)


def _meant(spec: TensorSpec, dtype: Any, meaning: Meaning) -> Range:
    if meaning.below is not None:
        return 0, max(meaning.below - 1, 0)
    if meaning.most is not None:
        return max(meaning.most, 1), max(meaning.most, 1)
    if meaning.decides is not None:
        raise Invalid(
            f"input {spec.name!r} decides a shape (it goes into {meaning.decides}), so its values cannot be guessed",
            f"Give them: --value {spec.name}=N, or --loadInputs FILE.npz.",
        )
    if dtype.itemsize == 1 and spec.shape:
        # Bytes are pixels or quantized values: all of them occur.
        return (0, 255) if dtype.kind == "u" else (-128, 127)
    return _FLAGS


def _whole(draw: Generator, span: Range, shape: Shape) -> Array:
    low, high = int(span[0]), int(span[1])
    return draw.integers(low, high, shape, endpoint=True)
