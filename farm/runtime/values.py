"""What goes into and comes out of an inference: arrays of the host and of a GPU, checked alike."""

from __future__ import annotations

from enum import Enum
from types import MappingProxyType
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple, Union

import numpy as np

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.shapes import format_shape

from .cuda.array import DeviceArray
from .dlpack.borrow import Borrowed, borrow
from .dlpack.layout import NUMPY_TYPES, ON_GPU, ON_HOST, place_name

Array = Any
Value = Union[Array, DeviceArray]
NOTHING: Mapping[str, Value] = MappingProxyType({})
# What TensorRT wants of an address, and every allocator gives.
_ALIGNMENT_BYTES = 256


class Rest(Enum):
    """What becomes of the outputs that no array is given for."""

    HOST = "new arrays of NumPy"
    DEVICE = "new arrays on the GPU"
    DROPPED = "nobody wants them"


def value_of(array: Array, what: str, stream: Optional[int], gpu: Optional[int]) -> Value:
    """A NumPy array as it is; that of another library where it lies, as an array of the host or of the GPU.

    Args:
        array: Of NumPy, or of a library that speaks DLPack. What is neither is given back as it is.
        what: Names it in errors.
        stream: That uses it, where the engine runs on a GPU.
        gpu: The number of that GPU.

    Raises: Invalid: it lies where the engine cannot read it. Unsupported: NumPy has no such element type.
    """
    if isinstance(array, (np.ndarray, np.generic)) or not hasattr(array, "__dlpack__"):
        return array
    borrowed = borrow(array, stream)
    _check_type(borrowed, what)
    if borrowed.kind in ON_HOST:
        return np.asarray(_HostView(borrowed))
    if borrowed.kind not in ON_GPU or borrowed.ordinal != gpu:
        where = place_name(borrowed.kind, borrowed.ordinal)
        here = "the processor" if gpu is None else f"GPU {gpu}"
        raise Invalid(f"{what} lies on {where}, and the engine runs on {here}", f"Move it to {here} first.")
    return _on_gpu(borrowed, what)


def check_outputs(buffers: Mapping[str, Value], specs: Sequence[TensorSpec]) -> Dict[str, Value]:
    """Arrays that outputs are written into, each of its output's element type, dense and writable.

    Shapes with open axes are checked where they are known: when it runs.

    Raises: Invalid
    """
    known = {spec.name: spec for spec in specs}
    for name, buffer in buffers.items():
        if name not in known:
            raise Invalid(f"the engine has no output {name!r}", f"Its outputs are {', '.join(known)}.")
        _check_buffer(buffer, known[name])
    return dict(buffers)


def _check_buffer(buffer: Value, spec: TensorSpec) -> None:
    if not isinstance(buffer, (np.ndarray, DeviceArray)):
        raise Invalid(f"the output {spec.name!r} is given a {type(buffer).__name__}", "Give an array to write into.")
    if buffer.dtype != np.dtype(spec.dtype):
        raise Invalid(
            f"the output {spec.name!r} is {spec.dtype}, its array is {buffer.dtype.name}",
            f"Make it with the element type {spec.dtype}.",
        )
    if isinstance(buffer, np.ndarray) and not (buffer.flags.writeable and buffer.flags.c_contiguous):
        raise Invalid(
            f"the array for the output {spec.name!r} cannot be written into as it lies",
            "Give one that is writable and dense: numpy.empty makes such.",
        )


def check_room(buffer: Value, spec: TensorSpec, shape: Tuple[int, ...]) -> None:
    """An output of this shape goes into this array.

    Raises: Invalid
    """
    if tuple(buffer.shape) != shape:
        raise Invalid(
            f"the output {spec.name!r} has the shape {format_shape(shape)}, its array {format_shape(buffer.shape)}",
            "Make it with the shape of the output.",
        )


def check_size(buffer: Value, name: str, needed_bytes: int) -> None:
    """An output of so many bytes goes into this array.

    Raises: Invalid
    """
    if needed_bytes > buffer.nbytes:
        raise Invalid(
            f"the array for the output {name!r} has {buffer.nbytes} bytes, the output takes {needed_bytes}",
            "Give a larger one: of such an output only the beginning of its array is used.",
        )


def filled(buffer: Array, array: Array, name: str) -> Array:
    """The part of a buffer of the host into which an output of whatever size was copied.

    Raises: Invalid: it is too small.
    """
    check_size(buffer, name, array.nbytes)
    part = buffer.reshape(-1)[: array.size].reshape(array.shape)
    part[...] = array
    return part


def _check_type(borrowed: Borrowed, what: str) -> None:
    # Asking NumPy would not do: other packages add types to it that it does not read from memory.
    if borrowed.dtype not in NUMPY_TYPES:
        raise Invalid(
            f"{what} is {borrowed.dtype}, a type that engines do not exchange here", "Convert it to float32 or float16."
        )


def _on_gpu(borrowed: Borrowed, what: str) -> DeviceArray:
    if not borrowed.is_dense:
        raise Invalid(
            f"{what} lies on the GPU with gaps, or with its axes in another order", "Give its .contiguous() form."
        )
    if borrowed.address % _ALIGNMENT_BYTES:
        raise Invalid(
            f"{what} begins at an address that is no multiple of {_ALIGNMENT_BYTES} bytes",
            "Give a copy of this part: .clone() makes one.",
        )
    return DeviceArray(borrowed.address, borrowed.shape, borrowed.dtype, borrowed.ordinal, borrowed)


class _HostView:
    """What NumPy looks at; the view that it makes keeps this, and this the array."""

    def __init__(self, borrowed: Borrowed) -> None:
        dtype = np.dtype(borrowed.dtype)
        self._borrowed = borrowed
        self.__array_interface__ = {
            "version": 3,
            "data": (borrowed.address, borrowed.read_only),
            "shape": borrowed.shape,
            "strides": tuple(step * dtype.itemsize for step in borrowed.strides),
            "typestr": dtype.str,
        }
