"""An execution context of TensorRT: its shapes, its profile, its addresses, and its refusals in one sentence."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from farm.protocol.errors import FarmError, Invalid
from farm.protocol.shapes import format_shape

from ..cuda.stream import Stream
from .load import Loaded
from .outputs import Grown, allocator
from .tensors import Tensor

Shape = Tuple[int, ...]
_HINT = "Run farm inspect on it: it shows the profiles it was built for."


class Execution:
    """One of an engine. TensorRT answers with False or nothing; here that is an error with TensorRT's own words."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._context: Any = loaded.new_context()
        self._profile = 0
        self._placed: Dict[str, int] = {}
        self._allocator: Any = None

    def choose_profile(self, inputs: Tuple[Tensor, ...], shapes: Mapping[str, Shape], stream: Stream) -> None:
        """Switch to the first optimisation profile with room for these shapes; TensorRT says no if none has."""
        for index in range(self._loaded.engine.num_optimization_profiles):
            if all(self._fits(index, item, shapes[item.spec.name]) for item in inputs):
                if index != self._profile:
                    self._context.set_optimization_profile_async(index, stream.handle)
                    stream.wait()
                    self._profile = index
                    self._placed.clear()
                return

    def set_shape(self, name: str, shape: Shape) -> None:
        """An input has this shape from now on.

        Raises: Invalid
        """
        if not self._context.set_input_shape(name, shape):
            raise self._refusal(f"does not take {name!r} of the shape {format_shape(shape)}")

    def infer_shapes(self) -> None:
        """Let the shapes of the outputs follow from those of the inputs.

        Raises: Invalid
        """
        missing = self._context.infer_shapes()
        if missing:
            raise self._refusal(f"misses the shapes of {', '.join(missing)}")

    def shape(self, name: str) -> Shape:
        """Of a tensor; -1 where only the inference tells."""
        return tuple(self._context.get_tensor_shape(name))

    def place(self, name: str, address: int) -> None:
        """A tensor lies there from now on.

        Raises: Invalid
        """
        if self._placed.get(name) != address:
            if not self._context.set_tensor_address(name, address):
                raise self._refusal(f"does not take a buffer for {name!r}")
            self._placed[name] = address

    def forget_places(self) -> None:
        """The memory that tensors lay in is gone."""
        self._placed.clear()

    def allocate_for(self, grown: Dict[str, Grown]) -> None:
        """Let these outputs ask for memory while they are computed."""
        if grown:
            self._allocator = allocator(self._loaded.trt, grown)
            for name in grown:
                self._context.set_output_allocator(name, self._allocator)

    def compute(self, stream: Stream) -> None:
        """Put the inference into a stream.

        Raises: Invalid: TensorRT refuses it.
        """
        if not self._context.execute_async_v3(stream.handle):
            raise self._refusal("does not run the engine")

    def profile_with(self, profiler: Any) -> None:
        """Let an `IProfiler` hear of every layer from now on; None for nobody."""
        self._context.profiler = profiler

    def close(self) -> None:
        """Free it. Closing twice is allowed."""
        self._context = None

    def _fits(self, profile: int, item: Tensor, shape: Shape) -> bool:
        if -1 not in item.spec.shape:
            return True
        least, _, most = self._loaded.engine.get_tensor_profile_shape(item.spec.name, profile)
        return all(low <= axis <= high for low, axis, high in zip(least, shape, most))

    def _refusal(self, what: str) -> FarmError:
        return self._loaded.failure(what, _HINT, Invalid)
