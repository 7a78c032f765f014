"""Capsules made by hand, of every form and with every flaw, that count how often they are given back."""

from __future__ import annotations

import ctypes
from typing import Any, List, Optional, Sequence, Tuple

from farm.runtime.dlpack import capsule
from farm.runtime.dlpack.layout import DlManaged, DlVersioned

_Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class Producer:
    """An array of int16 0, 1, 2 … behind a capsule.

    Attributes:
        given_back: Addresses that its deleter was called with.
    """

    def __init__(
        self,
        shape: Sequence[int] = (2, 3),
        strides: Optional[Sequence[int]] = None,
        offset_bytes: int = 0,
        kind: Tuple[int, int] = (1, 0),
        dtype: Tuple[int, int, int] = (0, 16, 1),
        version: Optional[Tuple[int, int]] = None,
        flags: int = 0,
        deleter: bool = True,
    ) -> None:
        self.kind = kind
        self.given_back: List[int] = []
        self.values = (ctypes.c_int16 * 64)(*range(64))
        self._shape = (ctypes.c_int64 * max(len(shape), 1))(*shape)
        self._strides = (ctypes.c_int64 * max(len(shape), 1))(*strides) if strides is not None else None
        self._deleter = _Deleter(self.given_back.append)
        self._version = version
        self.managed: Any = DlManaged() if version is None else DlVersioned()
        if version is not None:
            self.managed.version.major, self.managed.version.minor = version
            self.managed.flags = flags
        self.managed.deleter = ctypes.cast(self._deleter, ctypes.c_void_p) if deleter else None
        tensor = self.managed.tensor
        tensor.data, tensor.byte_offset = ctypes.addressof(self.values), offset_bytes
        tensor.device.kind, tensor.device.ordinal = kind
        tensor.ndim = len(shape)
        tensor.type.code, tensor.type.bits, tensor.type.lanes = dtype
        tensor.shape = ctypes.cast(self._shape, ctypes.POINTER(ctypes.c_int64))
        if self._strides is not None:
            tensor.strides = ctypes.cast(self._strides, ctypes.POINTER(ctypes.c_int64))

    @property
    def address(self) -> int:
        """Of the managed tensor, which is what a deleter is called with."""
        return ctypes.addressof(self.managed)

    def capsule(self) -> Any:
        """Without a destructor: only who opens it gives it back."""
        return capsule.new(self.address, capsule.PLAIN if self._version is None else capsule.VERSIONED, None)

    def __dlpack_device__(self) -> Tuple[int, int]:
        return self.kind

    def __dlpack__(self, **words: Any) -> Any:
        if self._version is None and "max_version" in words:
            raise TypeError("__dlpack__() got an unexpected keyword argument 'max_version'")
        self.words = words
        return self.capsule()
