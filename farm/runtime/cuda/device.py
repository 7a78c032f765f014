"""One GPU: its context, its memory and the memory of the host that it reads directly."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from typing import Any, Iterator, Tuple

import numpy as np

from farm.device.cuda import card_uuid

from .driver import driver


class Device:
    """The primary context of a GPU: the one that TensorRT, PyTorch and CuPy use in the same process, too.

    Args:
        ordinal: As CUDA counts the cards that this process may see.
    """

    def __init__(self, ordinal: int = 0) -> None:
        self.ordinal = ordinal
        self._device = ctypes.c_int()
        self._context = ctypes.c_void_p()
        driver().call("cuDeviceGet", ctypes.byref(self._device), ctypes.c_int(ordinal))
        driver().call("cuDevicePrimaryCtxRetain", ctypes.byref(self._context), self._device)
        self._open = True

    @contextmanager
    def current(self) -> Iterator[None]:
        """This GPU is the one of the calling thread during the block; afterwards it is the one from before."""
        driver().call("cuCtxPushCurrent_v2", self._context)
        try:
            yield
        finally:
            driver().call("cuCtxPopCurrent_v2", ctypes.byref(ctypes.c_void_p()))

    def enter(self) -> None:
        """Make this GPU the one of the calling thread."""
        driver().call("cuCtxSetCurrent", self._context)

    def memory(self) -> Tuple[int, int]:
        """Bytes that are free and bytes that there are."""
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        driver().call("cuMemGetInfo_v2", ctypes.byref(free), ctypes.byref(total))
        return free.value, total.value

    def uuid(self) -> str:
        """What NVML calls it, such as `GPU-…`; empty where the driver does not tell."""
        digits, name = ctypes.create_string_buffer(16), ctypes.create_string_buffer(256)
        driver().call("cuDeviceGetName", name, ctypes.c_int(len(name)), self._device)
        # Only the second version tells the slices of one card apart; it is younger than some drivers.
        newest = "cuDeviceGetUuid_v2"
        driver().call(newest if driver().has(newest) else "cuDeviceGetUuid", digits, self._device)
        return card_uuid(digits.raw.hex(), b" MIG " in name.value)

    def close(self) -> None:
        """Let the context go; it ends with its last user. Closing twice is allowed."""
        if self._open:
            self._open = False
            driver().call("cuDevicePrimaryCtxRelease_v2", self._device)


class DeviceMemory:
    """Memory of the current GPU. Nothing is written into it."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._pointer = ctypes.c_void_p()
        # There is no memory of no bytes, and TensorRT wants an address even for an empty tensor.
        driver().call("cuMemAlloc_v2", ctypes.byref(self._pointer), ctypes.c_size_t(max(size_bytes, 1)))

    @property
    def address(self) -> int:
        """On the device."""
        return int(self._pointer.value or 0)

    def free(self) -> None:
        """Give it back. Freeing twice is allowed."""
        if self._pointer:
            driver().call("cuMemFree_v2", self._pointer)
            self._pointer = ctypes.c_void_p()


class PinnedMemory:
    """Memory of the host that stays where it is, so that copies to and from the GPU need no detour."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self._pointer = ctypes.c_void_p()
        driver().call(
            "cuMemHostAlloc", ctypes.byref(self._pointer), ctypes.c_size_t(max(size_bytes, 1)), ctypes.c_uint(0)
        )

    @property
    def address(self) -> int:
        """On the host."""
        return int(self._pointer.value or 0)

    def array(self, dtype: Any, shape: Tuple[int, ...]) -> Any:
        """A NumPy view of its beginning; it must not be used after `free`."""
        whole = np.ctypeslib.as_array((ctypes.c_uint8 * max(self.size_bytes, 1)).from_address(self.address))
        size_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        return whole[:size_bytes].view(dtype).reshape(shape)

    def free(self) -> None:
        """Give it back. Freeing twice is allowed."""
        if self._pointer:
            driver().call("cuMemFreeHost", self._pointer)
            self._pointer = ctypes.c_void_p()
