"""The bare loop that the farm's numbers are held against: `python -m tests.gpu.bare PLAN`, milliseconds as JSON.

Nothing of the farm's runtime but the driver calls: one context, one buffer for each tensor, an event before and after.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tensorrt as trt  # type: ignore[import-not-found]

from farm.runtime.cuda.device import Device, DeviceMemory, PinnedMemory
from farm.runtime.cuda.stream import Event, Stream

_WARM, _RUNS = 50, 500
_TYPES = {
    "FLOAT": np.float32,
    "HALF": np.float16,
    "INT8": np.int8,
    "INT32": np.int32,
    "INT64": np.int64,
    "BOOL": np.bool_,
    "UINT8": np.uint8,
}


def times_ms(
    launch: Callable[[], object],
    stream: Stream,
    runs: int,
    before: Callable[[], None] | None = None,
    spin: bool = True,
) -> list[float]:
    """Of so many launches, one after the other.

    Args:
        launch: Puts one inference into the stream.
        stream: Where it is put.
        runs: How many.
        before: Put into the stream before the first event of each.
        spin: The end of each is waited for with a busy core, not asleep.
    """
    begun, ended, found = Event(spin), Event(spin), []
    for _ in range(runs):
        if before is not None:
            before()
        begun.record(stream)
        launch()
        ended.record(stream)
        ended.wait()
        found.append(ended.since_ms(begun))
    begun.close()
    ended.close()
    return found


class Loop:
    """An engine of its own. The current GPU must be that of `Device.current`.

    Args:
        plan: Of the engine.
        arrays: The inputs; those that are missing are zero, in the shapes of the engine.
    """

    def __init__(self, plan: Path, arrays: Mapping[str, Any]) -> None:
        self._logger = trt.Logger(trt.Logger.ERROR)
        trt.init_libnvinfer_plugins(self._logger, "")
        self._runtime = trt.Runtime(self._logger)
        self._engine = self._runtime.deserialize_cuda_engine(plan.read_bytes())
        self._context = self._engine.create_execution_context()
        self._stream = Stream()
        self._held: list[DeviceMemory] = []
        self._copied: list[tuple[DeviceMemory, PinnedMemory]] = []
        names = [self._engine.get_tensor_name(index) for index in range(self._engine.num_io_tensors)]
        for name in names:
            if self._engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
                dtype, shape = _TYPES[self._engine.get_tensor_dtype(name).name], self._engine.get_tensor_shape(name)
                self._fill(name, np.ascontiguousarray(arrays.get(name, np.zeros(tuple(shape), dtype))))
        for name in names:
            if self._engine.get_tensor_mode(name) == trt.TensorIOMode.OUTPUT:
                dtype, shape = _TYPES[self._engine.get_tensor_dtype(name).name], self._context.get_tensor_shape(name)
                self._place(name, int(np.prod(tuple(shape))) * np.dtype(dtype).itemsize)

    def times_ms(self, runs: int, copy: bool = False, spin: bool = True) -> list[float]:
        """Of so many inferences; with a copy of the inputs right before each, in no time. See `times_ms`."""
        stream, execute = self._stream, self._context.execute_async_v3
        return times_ms(lambda: execute(stream.handle), stream, runs, self._copy if copy else None, spin)

    def _copy(self) -> None:
        for memory, host in self._copied:
            self._stream.copy_in(memory.address, host.address, memory.size_bytes)

    def close(self) -> None:
        """Free everything."""
        self._context = self._engine = self._runtime = None
        for _, host in self._copied:
            host.free()
        for memory in self._held:
            memory.free()
        self._stream.close()

    def _fill(self, name: str, array: Any) -> None:
        self._place(name, array.nbytes)
        self._context.set_input_shape(name, array.shape)
        host = PinnedMemory(array.nbytes)
        host.array(array.dtype, array.shape)[...] = array
        self._stream.copy_in(self._held[-1].address, host.address, array.nbytes)
        self._stream.wait()
        self._copied.append((self._held[-1], host))

    def _place(self, name: str, size_bytes: int) -> None:
        self._held.append(DeviceMemory(size_bytes))
        self._context.set_tensor_address(name, self._held[-1].address)


def main() -> None:
    """Print the median of the computation."""
    device = Device()
    with device.current():
        loop = Loop(Path(sys.argv[1]), {})
        loop.times_ms(_WARM)
        median_ms = statistics.median(loop.times_ms(_RUNS))
        loop.close()
    sys.stdout.write(json.dumps({"median_ms": median_ms, "tensorrt": trt.__version__}) + "\n")
    device.close()


if __name__ == "__main__":
    main()
