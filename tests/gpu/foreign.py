"""An array library for tests: memory of the GPU that is filled in a stream of its own, handed over by DLPack.

Python 3.9 beside TensorRT 8.5 has no PyTorch for CUDA; what this does is what PyTorch does, on the same driver.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from farm.runtime.cuda.array import size_bytes
from farm.runtime.cuda.device import DeviceMemory, PinnedMemory
from farm.runtime.cuda.driver import driver
from farm.runtime.cuda.stream import Event, Stream
from farm.runtime.dlpack.lend import Lent

Array = Any


class Foreign:
    """An array on the GPU. Writing returns at once; whoever takes the array waits for it on the stream it names.

    Attributes:
        asked: Streams that were named by those who took it.
    """

    def __init__(self, values: Array, ordinal: int = 0, shift_bytes: int = 0) -> None:
        self.shape, self.dtype = values.shape, values.dtype
        self.asked: list[int] = []
        self._ordinal = ordinal
        self._size_bytes = size_bytes(self.shape, self.dtype)
        self._memory = DeviceMemory(self._size_bytes + shift_bytes)
        self._host = PinnedMemory(self._size_bytes)
        self._stream, self._written = Stream(), Event()
        self.address = self._memory.address + shift_bytes
        self.write(values)

    def write(self, values: Array, after_ms: int = 0) -> None:
        """New values, in its own stream, after that stream has been busy for about so long."""
        self._stream.wait()
        self._host.array(self.dtype, self.shape)[...] = values
        for _ in range(after_ms):
            self._busy()
        if self._size_bytes:
            self._stream.copy_in(self.address, self._host.address, self._size_bytes)
        self._written.record(self._stream)

    def numpy(self) -> Array:
        """Its values now."""
        return on_host(self.address, self.shape, self.dtype)

    def __dlpack_device__(self) -> tuple[int, int]:
        return (2, self._ordinal)

    def __dlpack__(self, *, stream: int) -> Any:
        self.asked.append(stream)
        event = self._written.handle
        driver().call("cuStreamWaitEvent", ctypes.c_void_p(stream), event, ctypes.c_uint(0))
        return Lent(self.address, self.shape, self.dtype.name, (2, self._ordinal), self).__dlpack__()

    def _busy(self) -> None:
        # A copy of 64 MiB from the host takes more than a millisecond on every bus there is.
        if not hasattr(self, "_ballast"):
            self._ballast = PinnedMemory(1 << 26), DeviceMemory(1 << 26)
        host, device = self._ballast
        self._stream.copy_in(device.address, host.address, host.size_bytes)


def on_host(address: int, shape: tuple[int, ...], dtype: Any) -> Array:
    """What lies there on the GPU."""
    found, stream = np.empty(shape, dtype), Stream()
    if found.nbytes:
        stream.copy_out(found.ctypes.data, address, found.nbytes)
        stream.wait()
    stream.close()
    return found
