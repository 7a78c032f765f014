"""Session: an engine that is loaded and runs arrays. The same for every backend, for builders and for users."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import contextmanager
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Callable, ContextManager, Dict, Iterator, Mapping, Optional, Tuple, Type, TypeVar

from farm.protocol.engine import TensorSpec
from farm.protocol.options import BenchmarkPolicy
from farm.protocol.report import BenchmarkReport

from .inputs import Ranges, check_inputs
from .values import NOTHING, Array, Rest, Value, check_outputs, value_of

Self = TypeVar("Self", bound="Session")


# Milliseconds of the phases of one inference, in their order, where the device itself tells them.
Phases = Optional[Mapping[str, float]]
Inference = Callable[[], Phases]


@dataclass(frozen=True)
class Launch:
    """How an inference is put to a GPU; see `BenchmarkPolicy`."""

    cuda_graph: bool = False
    spin_wait: bool = False


class Place(ABC):
    """Where inferences run one after the other.

    Attributes:
        handle: Of its CUDA stream; None on the processor.
        gpu: Number of its GPU; None on the processor.
    """

    def __init__(self, handle: Optional[int] = None, gpu: Optional[int] = None) -> None:
        self.handle = handle
        self.gpu = gpu

    @abstractmethod
    def infer(
        self, inputs: Mapping[str, Value], outputs: Mapping[str, Value] = NOTHING, rest: Rest = Rest.HOST
    ) -> Dict[str, Value]:
        """One inference from the beginning to the end.

        Args:
            inputs: That fit; those on the GPU are read where they lie.
            outputs: Arrays to write into; of an output whose size only the inference tells, its beginning.
            rest: What becomes of the other outputs.

        Returns: What was written into, and the rest unless it is dropped.
        Raises: Invalid: an output does not go into its array, or the runtime refuses the inputs.
        """


class Session(ABC):
    """An engine in memory. Use it in a `with` statement, or call `close`.

        with open_engine("engines/net") as engine:
            outputs = engine.run({"images": images})

    Attributes:
        inputs: Name, ONNX element type and shape of each input; -1 is an axis of any size.
        outputs: Likewise.
        backend: Name of the runtime, such as `onnxruntime`.
        backend_version: Its full version.
        concurrent: Whether several threads may run inferences at once.
        ranges: The profiles the engine was built with; empty means every size of a dynamic axis is allowed.
    """

    def __init__(
        self,
        inputs: Tuple[TensorSpec, ...],
        outputs: Tuple[TensorSpec, ...],
        backend: str,
        backend_version: str,
        concurrent: bool,
        ranges: Ranges = (),
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.backend = backend
        self.backend_version = backend_version
        self.concurrent = concurrent
        self.ranges = ranges

    def run(self, arrays: Mapping[str, Array]) -> Dict[str, Array]:
        """One inference: input name to array in, output name to array out.

        The arrays must have exactly the element types and shapes of `inputs`; nothing is converted or broadcast.
        The outputs are new arrays that belong to the caller.

        Raises: Invalid: an input is missing, unknown, or of another type or shape, or the runtime refuses it.
        """
        with self._place() as place:
            return place.infer(check_inputs(arrays, self.inputs, self.ranges))

    def exchange(
        self, inputs: Mapping[str, Array], outputs: Mapping[str, Array] = NOTHING, rest: Rest = Rest.HOST
    ) -> Dict[str, Value]:
        """One inference with arrays of any library that speaks DLPack, read and written where they lie.

        Returns when it is done: the memory of the inputs is free again, and the outputs are there for every stream.

        Args:
            inputs: Input name to array.
            outputs: Output name to an array that is written into.
            rest: What becomes of the other outputs.

        Raises: Invalid, Unsupported: as `run`; or an array lies where this engine does not run.
        """
        with self._place() as place:
            values = {name: self._value(array, f"input {name!r}", place) for name, array in inputs.items()}
            buffers = {name: self._value(array, f"output {name!r}", place) for name, array in outputs.items()}
            checked = check_inputs(values, self.inputs, self.ranges)
            return place.infer(checked, check_outputs(buffers, self.outputs), rest)

    @contextmanager
    def bound(self, arrays: Mapping[str, Array], launch: Launch = Launch()) -> Iterator[Inference]:
        """One inference as a call without arguments, for timing: the inputs are checked once, here.

        The call belongs to one thread and to the block; what else runs at the same time needs another, which only a
        `concurrent` session gives.

        Raises: Invalid: as `run`. Unsupported: this backend, or this engine, cannot be launched so.
        """
        with self._bound(check_inputs(arrays, self.inputs, self.ranges), launch) as inference:
            yield inference

    @abstractmethod
    def layers(self, arrays: Mapping[str, Array], runs: int = 10) -> Tuple[Dict[str, Any], ...]:
        """The parts of the engine, slowest first: `name`, `operator`, `mean_ms`, `share` of the total.

        Measured in runs of its own with the runtime's profiler on, never in timed ones. Empty where the runtime
        does not tell.
        """

    def layer_information(self) -> Tuple[Dict[str, Any], ...]:
        """What the runtime tells of the parts of the engine without running it, in their order; see `layerfile`."""
        return ()

    def measure_itself(
        self, arrays: Mapping[str, Array], policy: BenchmarkPolicy, keep_samples: Optional[Callable[[bytes], object]]
    ) -> Optional[BenchmarkReport]:
        """The report of a backend that nobody else can time; None where the farm times it. Asked by `measure`."""
        return None

    def evidence(self) -> Dict[str, Any]:
        """What the device that runs this engine tells of its state now; never asked while something is timed."""
        return {}

    @abstractmethod
    def close(self) -> None:
        """Give the memory of the engine back. Closing twice is allowed."""

    @abstractmethod
    def _place(self) -> ContextManager[Place]:
        """Where an inference runs that nobody else disturbs during the block."""

    @abstractmethod
    def _bound(self, arrays: Dict[str, Array], launch: Launch) -> ContextManager[Inference]:
        """One inference with inputs that fit, again and again."""

    def _value(self, array: Array, what: str, place: Place) -> Value:
        return value_of(array, what, place.handle, place.gpu)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()
