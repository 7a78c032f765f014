"""Read an array of another library where it lies."""

from __future__ import annotations

import ctypes
import weakref
from typing import Any, Optional, Tuple

from farm.protocol.errors import Invalid, Unsupported

from . import capsule as capsules
from .layout import ON_GPU, READ_ONLY, VERSION, DlManaged, DlTensor, DlVersioned, dense, type_name

# The deleter is called with Python's lock held: it may free objects of Python.
_Deleter = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)


class Borrowed:
    """An array of somebody else, until this object is gone or released; then its owner hears of it, once.

    Attributes:
        address: Of the first element, on its device.
        shape: Of the array.
        strides: In elements, for every axis.
        dtype: Name of the element type; NumPy's where NumPy has it.
        kind: Number of the kind of device.
        ordinal: Which of its kind.
        read_only: Nothing may be written into it.
    """

    def __init__(self, tensor: DlTensor, read_only: bool) -> None:
        ndim = int(tensor.ndim)
        self.address = int(tensor.data or 0) + int(tensor.byte_offset)
        self.shape: Tuple[int, ...] = tuple(tensor.shape[:ndim]) if ndim else ()
        given = bool(tensor.strides) and ndim
        self.strides: Tuple[int, ...] = tuple(tensor.strides[:ndim]) if given else dense(self.shape)
        self.dtype = type_name(tensor.type.code, tensor.type.bits, tensor.type.lanes)
        self.kind = int(tensor.device.kind)
        self.ordinal = int(tensor.device.ordinal)
        self.read_only = read_only
        self._end: Optional[Any] = None

    @property
    def is_dense(self) -> bool:
        """Its elements lie one after the other, the last axis fastest."""
        if 0 in self.shape:
            return True
        pairs = zip(self.shape, self.strides, dense(self.shape))
        return all(size == 1 or stride == wanted for size, stride, wanted in pairs)

    def release(self) -> None:
        """Give it back; it must not be touched any more. Twice is allowed."""
        if self._end is not None:
            self._end()

    def owned(self, managed: int, deleter: Optional[int]) -> Borrowed:
        """From now on this object calls the deleter, where there is one."""
        if deleter:
            self._end = weakref.finalize(self, _Deleter(deleter), managed)
            # At the end of the process the owner's library may be gone already, and so will be the memory.
            self._end.atexit = False
        return self


def borrow(array: Any, stream: Optional[int] = None) -> Borrowed:
    """An array of any library that speaks DLPack.

    Args:
        array: Has `__dlpack__` and `__dlpack_device__`.
        stream: Handle of the CUDA stream that will use it; what its owner still has to do runs before. None where
            the processor uses it.

    Raises:
        Unsupported: it does not speak DLPack, or a newer one.
        Invalid: its owner does not hand it over; the message is the owner's.
    """
    if not hasattr(array, "__dlpack__") or not hasattr(array, "__dlpack_device__"):
        raise Unsupported(
            f"a {type(array).__name__} is no array: it has no __dlpack__", "Give arrays of NumPy, PyTorch or CuPy."
        )
    try:
        kind = int(array.__dlpack_device__()[0])
        capsule = _handed_over(array, {"stream": stream} if kind in ON_GPU else {})
    except Exception as error:  # the libraries have no class of exceptions in common
        raise Invalid(
            f"{type(array).__module__}.{type(array).__name__} does not hand its memory over: {error}",
            "Give a plain array: detached from gradients, and not read-only.",
        ) from error
    return opened(capsule)


def opened(capsule: Any) -> Borrowed:
    """What is in a capsule, which is used up by this.

    Raises: Invalid: it is used up, or no capsule of DLPack. Unsupported: its version is too new.
    """
    name = capsules.name_of(capsule)
    if name not in capsules.USED:
        raise Invalid(
            "the DLPack capsule is used up already" if name else "this is no DLPack capsule",
            "Ask the array for a new one each time: __dlpack__ gives it.",
        )
    managed = capsules.pointer(capsule, name)
    if name == capsules.VERSIONED:
        versioned = DlVersioned.from_address(managed)
        if versioned.version.major != VERSION[0]:
            # The capsule keeps what it holds, and its own end gives it back.
            raise Unsupported(
                f"the array speaks DLPack {versioned.version.major}.{versioned.version.minor}",
                f"This farm speaks {VERSION[0]}; install a newer one.",
            )
        found = Borrowed(versioned.tensor, bool(versioned.flags & READ_ONLY))
        deleter = versioned.deleter
    else:
        plain = DlManaged.from_address(managed)
        found, deleter = Borrowed(plain.tensor, read_only=False), plain.deleter
    capsules.rename(capsule, capsules.USED[name])
    return found.owned(managed, deleter)


def _handed_over(array: Any, words: Any) -> Any:
    try:
        return array.__dlpack__(max_version=VERSION, **words)
    except TypeError:  # made before version 1: its `__dlpack__` takes no such word
        return array.__dlpack__(**words)
