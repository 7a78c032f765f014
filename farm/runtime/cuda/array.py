"""Arrays on a GPU: memory of the farm's that others may keep, and memory of others that TensorRT is bound to."""

from __future__ import annotations

import weakref
from typing import Any, Optional, Tuple

import numpy as np

from ..dlpack.layout import DeviceKind
from ..dlpack.lend import Lent
from .device import Device, DeviceMemory


class DeviceArray:
    """Numbers in the memory of a GPU, one after the other, the last axis fastest.

    Args:
        address: On the device; 0 where there are no elements.
        shape: Of the array.
        dtype: NumPy's element type.
        ordinal: Of the GPU.
        owner: Kept alive as long as this is.
    """

    def __init__(self, address: int, shape: Tuple[int, ...], dtype: Any, ordinal: int, owner: Any) -> None:
        self.address = address
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.ordinal = ordinal
        self.owner = owner

    @property
    def ndim(self) -> int:
        """How many axes."""
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        """Of all elements."""
        return size_bytes(self.shape, self.dtype)

    def lent(self) -> Lent:
        """For `from_dlpack` of another library, which then keeps the memory alive."""
        return Lent(self.address, self.shape, self.dtype.name, (DeviceKind.CUDA, self.ordinal), self.owner)


class KeptMemory:
    """Memory of a GPU that is freed when nobody refers to this object any more, also after its engine was closed.

    Args:
        ordinal: Of the GPU.
        memory: Belongs to this object from now on.
    """

    def __init__(self, ordinal: int, memory: DeviceMemory) -> None:
        self.address = memory.address
        weakref.finalize(self, _free, Device(ordinal), memory).atexit = False


def empty(ordinal: int, shape: Tuple[int, ...], dtype: Any, memory: Optional[DeviceMemory] = None) -> DeviceArray:
    """A new array that belongs to whoever has it. Nothing is written into it.

    Args:
        ordinal: Of the GPU, which must be the current one.
        shape: Of the array.
        dtype: NumPy's element type.
        memory: Taken for it, where there is some already.
    """
    kept = KeptMemory(ordinal, memory or DeviceMemory(size_bytes(shape, dtype)))
    return DeviceArray(kept.address, shape, dtype, ordinal, kept)


def size_bytes(shape: Tuple[int, ...], dtype: Any) -> int:
    """Of a dense array."""
    return int(np.prod(shape, dtype=np.int64)) * int(np.dtype(dtype).itemsize)


def _free(device: Device, memory: DeviceMemory) -> None:
    with device.current():
        memory.free()
    device.close()
