"""Outputs whose size is known only when they are computed."""

from __future__ import annotations

import logging
from typing import Any, Dict, Tuple

from ..cuda.device import DeviceMemory

log = logging.getLogger(__name__)


class Grown:
    """What one such output got: memory that grows, and the shape that TensorRT told."""

    def __init__(self) -> None:
        self.memory = DeviceMemory(0)
        self.shape: Tuple[int, ...] = ()

    def grow(self, size_bytes: int) -> int:
        """The address of at least so many bytes; 0, which is TensorRT's word for no, where there are none."""
        if size_bytes > self.memory.size_bytes:
            self.memory.free()
            self.memory = DeviceMemory(size_bytes)
        return self.memory.address


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
