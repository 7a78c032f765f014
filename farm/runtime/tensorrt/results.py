"""What comes out of a lane: each output to the host, into an array of the caller, or left on the GPU."""

from __future__ import annotations

from typing import Dict, Mapping, Tuple

import numpy as np

from farm.protocol.errors import Invalid

from ..cuda.array import DeviceArray, empty
from ..cuda.device import Device
from ..cuda.stream import Stream
from ..values import Rest, Value, check_room, check_size, filled
from .buffers import Buffer, Buffers
from .execution import Execution
from .outputs import Grown
from .tensors import Tensor


class Results:
    """The outputs of one context, for one set of input shapes at a time and for one inference after the other."""

    def __init__(self, device: Device, execution: Execution, items: Tuple[Tensor, ...]) -> None:
        self._device = device
        self._execution = execution
        self._items = items
        self._buffers = Buffers()
        self._shapes: Dict[str, Tuple[int, ...]] = {}
        self._grown: Dict[str, Grown] = {}
        self._given: Dict[str, Value] = {}
        self._rest = Rest.HOST
        self._staged: Dict[str, Buffer] = {}
        self._left: Dict[str, DeviceArray] = {}

    def reshape(self) -> None:
        """The shapes of the inputs are others now."""
        for item in self._items:
            name, shape = item.spec.name, self._execution.shape(item.spec.name)
            if -1 in shape and not item.on_host:
                self._grown[name] = Grown()
            else:
                self._shapes[name] = shape
        self._execution.allocate_for(self._grown)

    def take(self, given: Mapping[str, Value], rest: Rest) -> None:
        """Where the outputs of the next inference go.

        Raises: Invalid: an output does not go into its array.
        """
        self._given, self._rest = dict(given), rest
        self._staged.clear()
        self._left.clear()
        for item in self._items:
            if item.spec.name in self._grown:
                self._take_grown(item)
            else:
                self._take_known(item)

    def copy_out(self, stream: Stream) -> None:
        """Put the copies to the host into the stream; those of unknown size follow in `all`."""
        for buffer in self._staged.values():
            if buffer.device is not None:
                stream.copy_out(buffer.host.address, buffer.device.address, buffer.size_bytes)

    def all(self, stream: Stream) -> Dict[str, Value]:
        """The outputs; everything in the stream has been waited for.

        Raises: Invalid: one is larger than the array it was to go into.
        """
        names = [item.spec.name for item in self._items]
        wanted = names if self._rest is not Rest.DROPPED else [name for name in names if name in self._given]
        return {item.spec.name: self._one(item, stream) for item in self._items if item.spec.name in wanted}

    def free(self) -> None:
        """Give all memory back that is not the caller's. Freeing twice is allowed."""
        self._buffers.free()
        for grown in self._grown.values():
            grown.free()
        for held in (self._grown, self._shapes, self._given, self._staged, self._left):
            held.clear()

    def _take_grown(self, item: Tensor) -> None:
        grown, given = self._grown[item.spec.name], self._given.get(item.spec.name)
        if isinstance(given, DeviceArray):
            grown.use(given.address, given.nbytes)
        else:
            grown.use(0, 0)

    def _take_known(self, item: Tensor) -> None:
        name, shape = item.spec.name, self._shapes[item.spec.name]
        given = self._given.get(name)
        if given is not None:
            check_room(given, item.spec, shape)
        if item.on_host and isinstance(given, DeviceArray):
            raise Invalid(
                f"TensorRT writes the output {name!r}, which is a shape, on the processor", "Give a NumPy array for it."
            )
        if isinstance(given, DeviceArray) and given.nbytes:
            self._left[name] = given
        elif given is None and self._rest is Rest.DEVICE and not item.on_host:
            self._left[name] = empty(self._device.ordinal, shape, item.spec.dtype)
        else:
            buffer = self._buffers.of(item, shape)
            if given is not None or self._rest is not Rest.DROPPED:
                self._staged[name] = buffer
            self._execution.place(name, buffer.address)
            return
        self._execution.place(name, self._left[name].address)

    def _one(self, item: Tensor, stream: Stream) -> Value:
        name = item.spec.name
        if name in self._grown:
            return self._one_grown(item, stream)
        if name in self._left:
            return self._left[name]
        found, given = self._staged[name].array(), self._given.get(name)
        if given is None:
            return found.copy()
        if isinstance(given, np.ndarray):
            given[...] = found
        return given

    def _one_grown(self, item: Tensor, stream: Stream) -> Value:
        name, dtype = item.spec.name, item.spec.dtype
        grown, given = self._grown[name], self._given.get(name)
        if isinstance(given, DeviceArray):
            found = DeviceArray(given.address, grown.shape, dtype, given.ordinal, given.owner)
            check_size(given, name, found.nbytes)
            if grown.address != given.address and found.nbytes:
                stream.copy(given.address, grown.address, found.nbytes)
                stream.wait()
            return found
        if given is None and self._rest is Rest.DEVICE:
            return empty(self._device.ordinal, grown.shape, dtype, grown.taken())
        array = np.empty(grown.shape, dtype)
        if array.nbytes:
            stream.copy_out(array.ctypes.data, grown.address, array.nbytes)
            stream.wait()
        return array if given is None else filled(given, array, name)
