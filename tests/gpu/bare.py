"""The bare loop that the farm's numbers are held against: `python -m tests.gpu.bare PLAN`, milliseconds as JSON.

Nothing of the farm's runtime but the driver calls: one context, one buffer for each tensor, an event before and after.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

import numpy as np
import tensorrt as trt  # type: ignore[import-not-found]

from farm.runtime.cuda.device import Device, DeviceMemory
from farm.runtime.cuda.stream import Event, Stream

_WARM, _RUNS = 50, 500
_BYTES = {"FLOAT": 4, "HALF": 2, "INT8": 1, "INT32": 4, "INT64": 8, "BOOL": 1, "UINT8": 1}


def main() -> None:
    """Print the median of the computation."""
    device = Device()
    device.enter()
    logger = trt.Logger(trt.Logger.ERROR)
    runtime = trt.Runtime(logger)
    engine = runtime.deserialize_cuda_engine(Path(sys.argv[1]).read_bytes())
    context = engine.create_execution_context()
    held = []
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        size_bytes = int(np.prod(engine.get_tensor_shape(name))) * _BYTES[engine.get_tensor_dtype(name).name]
        held.append(DeviceMemory(size_bytes))
        context.set_tensor_address(name, held[-1].address)
    stream, begun, ended = Stream(), Event(), Event()
    times = []
    for run in range(_WARM + _RUNS):
        begun.record(stream)
        context.execute_async_v3(stream.handle)
        ended.record(stream)
        ended.wait()
        if run >= _WARM:
            times.append(ended.since_ms(begun))
    sys.stdout.write(json.dumps({"median_ms": statistics.median(times), "tensorrt": trt.__version__}) + "\n")
    del context, engine, runtime
    device.close()


if __name__ == "__main__":
    main()
