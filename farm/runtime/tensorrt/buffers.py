"""Memory of a lane: for each tensor a piece on the GPU and one on the host, made when first needed."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from ..cuda.array import size_bytes
from ..cuda.device import DeviceMemory, PinnedMemory
from .tensors import Tensor

Array = Any


class Buffer:
    """One tensor of one shape; where TensorRT wants its values on the host, there is no piece on the GPU."""

    def __init__(self, item: Tensor, shape: Tuple[int, ...]) -> None:
        self._dtype = item.spec.dtype
        self._shape = shape
        self.size_bytes = size_bytes(shape, self._dtype)
        self.host = PinnedMemory(self.size_bytes)
        self.device = None if item.on_host else DeviceMemory(self.size_bytes)

    @property
    def address(self) -> int:
        """Where TensorRT reads or writes it."""
        return self.host.address if self.device is None else self.device.address

    def array(self) -> Array:
        """A view of the piece on the host."""
        return self.host.array(self._dtype, self._shape)

    def free(self) -> None:
        """Give both back. Freeing twice is allowed."""
        self.host.free()
        if self.device is not None:
            self.device.free()


class Buffers:
    """Those of a lane, by name, for as long as its shapes stay."""

    def __init__(self) -> None:
        self._made: Dict[str, Buffer] = {}

    def of(self, item: Tensor, shape: Tuple[int, ...]) -> Buffer:
        """That of a tensor."""
        name = item.spec.name
        if name not in self._made:
            self._made[name] = Buffer(item, shape)
        return self._made[name]

    def free(self) -> None:
        """Give all back."""
        for buffer in self._made.values():
            buffer.free()
        self._made.clear()
