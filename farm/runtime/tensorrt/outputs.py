"""Outputs whose size is known only when they are computed."""

from __future__ import annotations

import logging
from typing import Any, Dict, Optional, Tuple

from ..cuda.device import DeviceMemory

log = logging.getLogger(__name__)


class Grown:
    """What one such output got: memory that grows, or that of a caller, and the shape that TensorRT told.

    Attributes:
        shape: Of the last inference.
        address: Of what the last inference wrote.
    """

    def __init__(self) -> None:
        self.shape: Tuple[int, ...] = ()
        self.address = 0
        self._memory: Optional[DeviceMemory] = None
        self._given = (0, 0)

    def use(self, address: int, most_bytes: int) -> None:
        """Let the next inference write there where there is room, else into memory of its own."""
        self._given = (address, most_bytes)

    def grow(self, size_bytes: int) -> int:
        """The address of at least so many bytes, which TensorRT rounds up."""
        address, most_bytes = self._given
        if not address or size_bytes > most_bytes:
            if self._memory is None or size_bytes > self._memory.size_bytes:
                self.free()
                self._memory = DeviceMemory(size_bytes)
            address = self._memory.address
        self.address = address
        return address

    def taken(self) -> DeviceMemory:
        """Its own memory, which belongs to the caller now."""
        memory, self._memory = self._memory or DeviceMemory(0), None
        return memory

    def free(self) -> None:
        """Give its own memory back. Freeing twice is allowed."""
        if self._memory is not None:
            self._memory.free()
            self._memory = None


def allocator(trt: Any, grown: Dict[str, Grown]) -> Any:
    """An `IOutputAllocator` over these outputs, of every version. It must outlive the contexts that use it."""

    class Allocator(trt.IOutputAllocator):  # type: ignore[misc]  # the class is known only at run time
        def __init__(self) -> None:
            trt.IOutputAllocator.__init__(self)

        def reallocate_output(self, name: str, memory: int, size: int, alignment: int) -> int:
            # An error that leaves a callback would end the process. What the driver gives is aligned well enough.
            try:
                return grown[name].grow(size)
            except Exception:
                log.exception("there is no memory for the output %s", name)
                return 0

        def reallocate_output_async(self, name: str, memory: int, size: int, alignment: int, stream: int) -> int:
            return self.reallocate_output(name, memory, size, alignment)

        def notify_shape(self, name: str, shape: Any) -> None:
            grown[name].shape = tuple(shape)

    return Allocator()
