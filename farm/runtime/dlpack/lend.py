"""Hand memory of the farm to another library, which reads it where it lies."""

from __future__ import annotations

import ctypes
from itertools import count
from typing import Any, Dict, Optional, Tuple

from . import capsule as capsules
from .layout import VERSION, DlManaged, DlVersioned, dense, type_of

# What was handed over and not yet given back, by a number that the structure carries. This holds the memory alive.
_out: Dict[int, Tuple[Any, ...]] = {}
_numbers = count(1)

_Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_Destructor = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Lent:
    """Memory as an array that speaks DLPack: `torch.from_dlpack(lent)`, `cupy.from_dlpack(lent)`.

    Everything that was to be written into it is there: whoever takes it need not wait for a stream.

    Args:
        address: Of the first element.
        shape: Its elements lie one after the other, the last axis fastest.
        dtype: Name of NumPy's element type.
        device: Kind and number, as DLPack counts.
        owner: Kept alive for as long as anybody has the memory.
    """

    def __init__(self, address: int, shape: Tuple[int, ...], dtype: str, device: Tuple[int, int], owner: Any) -> None:
        self.address = address
        self.shape = shape
        self.dtype = dtype
        self._device = device
        self._owner = owner

    def __dlpack_device__(self) -> Tuple[int, int]:
        return self._device

    def __dlpack__(
        self,
        *,
        stream: Any = None,
        max_version: Optional[Tuple[int, int]] = None,
        dl_device: Optional[Tuple[int, int]] = None,
        copy: Optional[bool] = None,
    ) -> Any:
        """A capsule over the memory itself.

        Raises: BufferError: a copy, or another device, is asked for.
        """
        if copy or (dl_device is not None and tuple(map(int, dl_device)) != self._device):
            raise BufferError("this array is handed over where it lies, and not as a copy")
        versioned = max_version is not None and max_version[0] >= VERSION[0]
        managed = self._managed(DlVersioned if versioned else DlManaged)
        if versioned:
            managed.version.major, managed.version.minor = VERSION
        name = capsules.VERSIONED if versioned else capsules.PLAIN
        return capsules.new(ctypes.addressof(managed), name, ctypes.cast(_DESTROYED, ctypes.c_void_p))

    def _managed(self, form: Any) -> Any:
        managed = form()
        ndim = len(self.shape)
        shape = (ctypes.c_int64 * max(ndim, 1))(*self.shape)
        # Readers of version 1.2 and later want strides even where they go without saying.
        strides = (ctypes.c_int64 * max(ndim, 1))(*dense(self.shape))
        tensor = managed.tensor
        tensor.data, tensor.ndim, tensor.byte_offset = self.address, ndim, 0
        tensor.device.kind, tensor.device.ordinal = self._device
        tensor.type.code, tensor.type.bits = type_of(self.dtype)
        tensor.type.lanes = 1
        tensor.shape = ctypes.cast(shape, ctypes.POINTER(ctypes.c_int64))
        tensor.strides = ctypes.cast(strides, ctypes.POINTER(ctypes.c_int64))
        number = next(_numbers)
        managed.context = number
        managed.deleter = ctypes.cast(_given_back[form], ctypes.c_void_p)
        _out[number] = (managed, shape, strides, self._owner)
        return managed


def lent_out() -> int:
    """How many arrays others have now."""
    return len(_out)


def _deleter(form: Any) -> Any:
    def give_back(managed: int) -> None:
        _out.pop(form.from_address(managed).context, None)

    return _Deleter(give_back)


_given_back = {form: _deleter(form) for form in (DlManaged, DlVersioned)}


def _destroyed(capsule: int) -> None:
    """A capsule that nobody opened gives back what it holds; an opened one belongs to who opened it."""
    for name, form in ((capsules.PLAIN, DlManaged), (capsules.VERSIONED, DlVersioned)):
        if capsules.dying_is(capsule, name):
            managed = capsules.dying_pointer(capsule, name)
            _out.pop(form.from_address(managed).context, None)


_DESTROYED = _Destructor(_destroyed)
