"""Buffers of the card for calls of kernels, by the driver alone: a sanitizer sees our kernels and nobody else's.

With `FARM_TEST_SANITIZED` set nothing lies behind a buffer and nothing is written into it before the call, so that
compute-sanitizer itself sees what is read or written beside it, and what is read before it was written.
"""

from __future__ import annotations

import ctypes
import os
from functools import cache

from farm.runtime.cuda.device import Device, DeviceMemory
from farm.runtime.cuda.driver import driver

_POISON = 0xFF  # not a number in every type of numbers with a fraction, -1 in others
_SANITIZED = bool(os.environ.get("FARM_TEST_SANITIZED"))
# What a launcher must not touch behind a buffer; a multiple of what vectors ask for.
_BEHIND_BYTES = 0 if _SANITIZED else 4096
_MAJOR, _MINOR = 75, 76  # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_...


class CardBuffer:
    """Memory with these contents, or poisoned; free it."""

    def __init__(self, size_bytes: int, contents: bytes | None = None) -> None:
        _device().enter()
        self._size_bytes = size_bytes
        self._memory = DeviceMemory(size_bytes + _BEHIND_BYTES)
        self.address = self._memory.address
        if not _SANITIZED:
            count = ctypes.c_size_t(size_bytes + _BEHIND_BYTES)
            driver().call("cuMemsetD8_v2", ctypes.c_void_p(self.address), ctypes.c_ubyte(_POISON), count)
        if contents:
            driver().call("cuMemcpyHtoD_v2", ctypes.c_void_p(self.address), contents, ctypes.c_size_t(size_bytes))

    def contents(self) -> bytes:
        """What is in it, after all that was launched.

        Raises: AssertionError: as `check`.
        """
        self.check()
        return self._read(0, self._size_bytes)

    def check(self) -> None:
        """Raises: AssertionError: something was written behind it."""
        behind = self._read(self._size_bytes, _BEHIND_BYTES)
        assert behind == bytes([_POISON]) * _BEHIND_BYTES, "something was written behind a buffer"

    def _read(self, start: int, size_bytes: int) -> bytes:
        found = ctypes.create_string_buffer(size_bytes)
        if size_bytes:
            place = ctypes.c_void_p(self.address + start)
            driver().call("cuMemcpyDtoH_v2", found, place, ctypes.c_size_t(size_bytes))
        return found.raw

    def free(self) -> None:
        """Give it back."""
        self._memory.free()


def wait() -> None:
    """Return when all that was launched is done.

    Raises: BuildFailed: it failed.
    """
    _device().enter()
    driver().call("cuCtxSynchronize")


@cache
def compute_capability() -> str:
    """Of the first card, as nvcc spells it: `90`."""
    found = []
    for attribute in (_MAJOR, _MINOR):
        value = ctypes.c_int()
        driver().call("cuDeviceGetAttribute", ctypes.byref(value), ctypes.c_int(attribute), ctypes.c_int(0))
        found.append(str(value.value))
    return "".join(found)


@cache
def _device() -> Device:
    return Device()
