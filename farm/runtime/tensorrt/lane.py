"""One inference at a time: a context with a stream, and buffers that fit one set of input shapes."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

from farm.protocol.errors import Invalid

from ..cuda.array import DeviceArray
from ..cuda.device import Device
from ..cuda.stream import Stream
from ..session import Place
from ..values import NOTHING, Rest, Value
from .buffers import Buffer, Buffers
from .execution import Execution
from .load import Loaded
from .results import Results
from .tensors import Tensor

Shapes = Dict[str, Tuple[int, ...]]


class Lane(Place):
    """Runs inferences one after the other, from whichever thread; the buffers are kept while the shapes stay.

    Attributes:
        stream: Where everything of this lane runs.
    """

    def __init__(self, device: Device, loaded: Loaded, tensors: Tuple[Tensor, ...]) -> None:
        self._device = device
        self._loaded = loaded
        self._inputs = tuple(item for item in tensors if item.is_input)
        self.stream = Stream()
        super().__init__(self.stream.handle, device.ordinal)
        self._execution = Execution(loaded)
        self._shapes: Shapes = {}
        self._buffers = Buffers()
        self._staged: Dict[str, Buffer] = {}
        self._results = Results(device, self._execution, tuple(item for item in tensors if not item.is_input))

    def enter(self) -> None:
        """Let the calling thread use the GPU of this lane; once in each thread is enough."""
        self._device.enter()

    def take(self, inputs: Mapping[str, Value], outputs: Mapping[str, Value] = NOTHING, rest: Rest = Rest.HOST) -> None:
        """Make ready for an inference, and copy the inputs of the host to where the GPU fetches them.

        Raises: Invalid: no profile of the engine has their shapes, or an output does not go into its array.
            BuildFailed: no memory.
        """
        self._loaded.sayings.forget()
        shapes = {name: tuple(array.shape) for name, array in inputs.items()}
        if shapes != self._shapes or any(item.on_host for item in self._inputs):
            self._reshape(inputs, shapes)
        else:
            self._fill(inputs)
        self._results.take(outputs, rest)

    def copy_in(self, stream: Optional[Stream] = None) -> None:
        """Put the copies of the inputs to the GPU into a stream; its own if no other is given."""
        for buffer in self._staged.values():
            (stream or self.stream).copy_in(buffer.address, buffer.host.address, buffer.size_bytes)

    def compute(self) -> None:
        """Put the inference into the stream.

        Raises: Invalid: TensorRT refuses it.
        """
        self._execution.compute(self.stream)

    def copy_out(self, stream: Optional[Stream] = None) -> None:
        """Put the copies of the outputs from the GPU into a stream; its own if no other is given."""
        self._results.copy_out(stream or self.stream)

    def infer(
        self, inputs: Mapping[str, Value], outputs: Mapping[str, Value] = NOTHING, rest: Rest = Rest.HOST
    ) -> Dict[str, Value]:
        """See `Place.infer`."""
        self.take(inputs, outputs, rest)
        self.copy_in()
        self.compute()
        self.copy_out()
        self.stream.wait()
        return self.results()

    def results(self) -> Dict[str, Value]:
        """What the last inference gave, whoever put it into a stream; it has been waited for.

        Raises: Invalid: an output is larger than the array it was to go into.
        """
        return self._results.all(self.stream)

    def profile_with(self, profiler: Any) -> None:
        """Let an `IProfiler` hear of every layer from now on; None for nobody."""
        self._execution.profile_with(profiler)

    def close(self) -> None:
        """Free everything. Closing twice is allowed."""
        self._free()
        self._execution.close()
        self.stream.close()

    def _reshape(self, inputs: Mapping[str, Value], shapes: Shapes) -> None:
        self.stream.wait()
        self._free()
        self._execution.choose_profile(self._inputs, shapes, self.stream)
        self._fill(inputs)
        for name, shape in shapes.items():
            self._execution.set_shape(name, shape)
        self._execution.infer_shapes()
        self._results.reshape()
        self._shapes = shapes

    def _fill(self, inputs: Mapping[str, Value]) -> None:
        """Place each input: one on the GPU where it lies, one of the host in a buffer that is copied there."""
        self._staged.clear()
        for item in self._inputs:
            name, value = item.spec.name, inputs[item.spec.name]
            if isinstance(value, DeviceArray) and value.nbytes:
                if item.on_host:
                    raise Invalid(
                        f"TensorRT reads the input {name!r}, which is a shape, on the processor",
                        "Give a NumPy array for it.",
                    )
                self._execution.place(name, value.address)
                continue
            buffer = self._buffers.of(item, tuple(value.shape))
            if value.nbytes:
                buffer.array()[...] = value
                if not item.on_host:
                    self._staged[name] = buffer
            self._execution.place(name, buffer.address)

    def _free(self) -> None:
        self._buffers.free()
        self._staged.clear()
        self._results.free()
        self._execution.forget_places()
        self._shapes = {}
