"""One inference at a time: a context with a stream, and buffers that fit one set of input shapes."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

import numpy as np

from farm.protocol.errors import Invalid
from farm.protocol.shapes import format_shape

from ..cuda.device import Device, DeviceMemory, PinnedMemory
from ..cuda.stream import Stream
from .load import Loaded
from .outputs import Grown, allocator
from .tensors import Tensor

Array = Any
Shapes = Dict[str, Tuple[int, ...]]


class Lane:
    """Runs inferences one after the other, from whichever thread; the buffers are kept while the shapes stay.

    Attributes:
        stream: Where everything of this lane runs.
    """

    def __init__(self, device: Device, loaded: Loaded, tensors: Tuple[Tensor, ...]) -> None:
        self._device = device
        self._loaded = loaded
        self._inputs = tuple(item for item in tensors if item.is_input)
        self._outputs = tuple(item for item in tensors if not item.is_input)
        self.stream = Stream()
        self._context: Any = loaded.new_context()
        self._profile = 0
        self._shapes: Shapes = {}
        self._host: Dict[str, PinnedMemory] = {}
        self._there: Dict[str, DeviceMemory] = {}
        self._grown: Dict[str, Grown] = {}
        self._out_shapes: Shapes = {}

    def enter(self) -> None:
        """Let the calling thread use the GPU of this lane; once in each thread is enough."""
        self._device.enter()

    def take(self, arrays: Mapping[str, Array]) -> None:
        """Make ready for these inputs, and copy them to where the GPU reads them.

        Raises: Invalid: no profile of the engine has their shapes. BuildFailed: no memory.
        """
        self._device.enter()
        shapes = {name: tuple(array.shape) for name, array in arrays.items()}
        if shapes != self._shapes or any(item.on_host for item in self._inputs):
            self._reshape(arrays, shapes)
        for item in self._inputs:
            array = arrays[item.spec.name]
            self._host[item.spec.name].array(array.dtype, array.shape)[...] = array

    def copy_in(self) -> None:
        """Put the copies of the inputs to the GPU into the stream."""
        for item in self._inputs:
            if not item.on_host:
                name = item.spec.name
                self.stream.copy_in(self._there[name].address, self._host[name].address, self._host[name].size_bytes)

    def compute(self) -> None:
        """Put the inference into the stream.

        Raises: Invalid: TensorRT refuses it.
        """
        self._loaded.sayings.forget()
        if not self._context.execute_async_v3(self.stream.handle):
            raise self._refusal("does not run")

    def copy_out(self) -> None:
        """Put the copies of the outputs from the GPU into the stream; those of unknown size follow in `outputs`."""
        for item in self._outputs:
            name = item.spec.name
            if name in self._there:
                self.stream.copy_out(self._host[name].address, self._there[name].address, self._host[name].size_bytes)

    def outputs(self) -> Dict[str, Array]:
        """The outputs, as arrays of the caller; everything in the stream has been waited for."""
        return {item.spec.name: self._output(item) for item in self._outputs}

    def infer(self, arrays: Mapping[str, Array]) -> Dict[str, Array]:
        """One inference from the beginning to the end."""
        self.take(arrays)
        self.copy_in()
        self.compute()
        self.copy_out()
        self.stream.wait()
        return self.outputs()

    def profile_with(self, profiler: Any) -> None:
        """Let an `IProfiler` hear of every layer from now on; None for nobody."""
        self._context.profiler = profiler

    def close(self) -> None:
        """Free everything. Closing twice is allowed."""
        self._device.enter()
        self._free()
        self._context = None
        self.stream.close()

    def _reshape(self, arrays: Mapping[str, Array], shapes: Shapes) -> None:
        self.stream.wait()
        self._free()
        self._loaded.sayings.forget()
        self._choose_profile(shapes)
        for item in self._inputs:
            name = item.spec.name
            self._host[name] = PinnedMemory(arrays[name].nbytes)
            if item.on_host:
                self._host[name].array(arrays[name].dtype, shapes[name])[...] = arrays[name]
                self._place(name, self._host[name].address)
            else:
                self._there[name] = DeviceMemory(arrays[name].nbytes)
                self._place(name, self._there[name].address)
            if not self._context.set_input_shape(name, shapes[name]):
                raise self._refusal(f"does not take {name!r} of the shape {format_shape(shapes[name])}")
        missing = self._context.infer_shapes()
        if missing:
            raise self._refusal(f"misses the shapes of {', '.join(missing)}")
        self._make_outputs()
        self._shapes = shapes

    def _make_outputs(self) -> None:
        unknown: Dict[str, Grown] = {}
        for item in self._outputs:
            name, shape = item.spec.name, tuple(self._context.get_tensor_shape(item.spec.name))
            if -1 in shape and not item.on_host:
                unknown[name] = self._grown[name] = Grown()
                continue
            self._out_shapes[name] = shape
            size_bytes = int(np.prod(shape, dtype=np.int64)) * np.dtype(item.spec.dtype).itemsize
            self._host[name] = PinnedMemory(size_bytes)
            if item.on_host:
                self._place(name, self._host[name].address)
            else:
                self._there[name] = DeviceMemory(size_bytes)
                self._place(name, self._there[name].address)
        if unknown:
            self._allocator = allocator(self._loaded.trt, unknown)
            for name in unknown:
                self._context.set_output_allocator(name, self._allocator)

    def _choose_profile(self, shapes: Shapes) -> None:
        """Switch to the first optimisation profile with room for these shapes; the context says no if none has."""
        engine = self._loaded.engine
        for index in range(engine.num_optimization_profiles):
            if all(self._fits(index, item, shapes[item.spec.name]) for item in self._inputs):
                if index != self._profile:
                    self._context.set_optimization_profile_async(index, self.stream.handle)
                    self.stream.wait()
                    self._profile = index
                return

    def _fits(self, profile: int, item: Tensor, shape: Tuple[int, ...]) -> bool:
        if -1 not in item.spec.shape:
            return True
        least, _, most = self._loaded.engine.get_tensor_profile_shape(item.spec.name, profile)
        return all(low <= axis <= high for low, axis, high in zip(least, shape, most))

    def _place(self, name: str, address: int) -> None:
        if not self._context.set_tensor_address(name, address):
            raise self._refusal(f"does not take a buffer for {name!r}")

    def _output(self, item: Tensor) -> Array:
        name, dtype = item.spec.name, np.dtype(item.spec.dtype)
        if name not in self._grown:
            return self._host[name].array(dtype, self._out_shapes[name]).copy()
        grown = self._grown[name]
        array = np.empty(grown.shape, dtype)
        if array.nbytes:
            self.stream.copy_out(array.ctypes.data, grown.memory.address, array.nbytes)
            self.stream.wait()
        return array

    def _refusal(self, what: str) -> Invalid:
        told = "; ".join(self._loaded.sayings.errors()) or "it does not say why"
        return Invalid(f"the engine {what}: {told}", "Run farm inspect on it: it shows the profiles it was built for.")

    def _free(self) -> None:
        for pinned in self._host.values():
            pinned.free()
        for memory in (*self._there.values(), *(item.memory for item in self._grown.values())):
            memory.free()
        for held in (self._host, self._there, self._grown, self._out_shapes, self._shapes):
            held.clear()
