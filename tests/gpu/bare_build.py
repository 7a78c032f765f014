"""A bare build on the device: `python -m tests.gpu.bare_build MODEL FOLDER [--cache FILE] [--precision WORD]`.

TensorRT alone, without the farm: builds a plan, and times it by events, launched and as a CUDA graph, and by layers.
Prints one line of JSON; the plan, the layers and the timing cache are left in files.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import tensorrt as trt  # type: ignore[import-not-found]

from farm.runtime.cuda.device import Device, DeviceMemory
from farm.runtime.cuda.stream import Event, Stream
from worker.device.builders.tensorrt.myelin import without_empty_myelin

_WARM, _RUNS, _PROFILED = 50, 300, 20
_TYPES = {"FLOAT": np.float32, "HALF": np.float16, "INT32": np.int32, "BOOL": np.bool_}
_EXTERNAL = ("CUBLAS", "CUBLAS_LT", "CUDNN")


def main() -> None:
    """Build and measure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path, help="not read where the plan is there")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--precision", default="fp16", choices=("fp32", "tf32", "fp16"))
    parser.add_argument("--preview", default="")
    parser.add_argument("--once", action="store_true", help="run a plan that is there once, for a profiler of kernels")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    device = Device()
    device.enter()
    said: dict[str, Any] = {"tensorrt": trt.__version__, "precision": given.precision}
    plan = given.folder / "engine.plan"
    if not plan.exists():
        said.update(_build(given, plan))
    said.update(_measured(plan, given.folder, given.once))
    sys.stdout.write(json.dumps(said) + "\n")
    device.close()


def _build(given: argparse.Namespace, plan: Path) -> dict[str, Any]:
    logger = trt.Logger(trt.Logger.ERROR)
    trt.init_libnvinfer_plugins(logger, "")
    builder = trt.Builder(logger)
    network = builder.create_network(1 << int(trt.NetworkDefinitionCreationFlag.EXPLICIT_BATCH))
    parser = trt.OnnxParser(network, logger)
    if not parser.parse(given.model.read_bytes()):
        raise SystemExit(str(parser.get_error(0)))
    config = builder.create_builder_config()
    config.profiling_verbosity = trt.ProfilingVerbosity.DETAILED
    if given.precision == "fp16":
        config.set_flag(trt.BuilderFlag.FP16)
    if given.precision == "fp32":
        config.clear_flag(trt.BuilderFlag.TF32)
    sources = config.get_tactic_sources()
    for name in _EXTERNAL:
        sources &= ~(1 << int(getattr(trt.TacticSource, name)))
    config.set_tactic_sources(sources)
    if given.preview:
        config.set_preview_feature(getattr(trt.PreviewFeature, given.preview), True)
    known = given.cache.read_bytes() if given.cache and given.cache.exists() else b""
    if not config.set_timing_cache(config.create_timing_cache(without_empty_myelin(known)), False):
        sys.stderr.write("the timing cache does not fit\n")
    began_s = time.monotonic()
    made = builder.build_serialized_network(network, config)
    if made is None:
        raise SystemExit("TensorRT built nothing")
    build_s = time.monotonic() - began_s
    plan.write_bytes(bytes(made))
    if given.cache:
        given.cache.write_bytes(bytes(config.get_timing_cache().serialize()))
    return {"build_s": round(build_s, 2), "plan_bytes": made.nbytes, "warm": bool(known)}


def _measured(plan: Path, folder: Path, once: bool) -> dict[str, Any]:
    logger = trt.Logger(trt.Logger.ERROR)
    trt.init_libnvinfer_plugins(logger, "")
    engine = trt.Runtime(logger).deserialize_cuda_engine(plan.read_bytes())
    context = engine.create_execution_context()
    held = _filled(engine, context)
    stream = Stream()

    def launch() -> None:
        context.execute_async_v3(stream.handle)

    found: dict[str, Any] = {"layers": engine.num_layers, "median_ms": _median_ms(stream, launch)}
    stream.begin_capture()
    launch()
    graph = stream.end_capture()
    found["graph_ms"] = _median_ms(stream, lambda: graph.launch(stream))
    graph.close()
    _write_layers(engine, context, stream, folder)
    del held
    return found


def _filled(engine: Any, context: Any) -> list[DeviceMemory]:
    """Buffers for all tensors, the inputs with normal numbers: constant ones would draw less power."""
    held = []
    stream = Stream()
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        shape = tuple(engine.get_tensor_shape(name))
        dtype = np.dtype(_TYPES[engine.get_tensor_dtype(name).name])
        held.append(DeviceMemory(int(np.prod(shape)) * dtype.itemsize))
        context.set_tensor_address(name, held[-1].address)
        if engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT:
            array = np.random.default_rng(0).standard_normal(shape).astype(dtype)
            stream.copy_in(held[-1].address, array.ctypes.data, array.nbytes)
            stream.wait()
    stream.close()
    return held


def _median_ms(stream: Stream, launch: Any) -> float:
    begun, ended = Event(), Event()
    times = []
    for run in range(_WARM + _RUNS):
        begun.record(stream)
        launch()
        ended.record(stream)
        ended.wait()
        if run >= _WARM:
            times.append(ended.since_ms(begun))
    return round(statistics.median(times), 4)


def _write_layers(engine: Any, context: Any, stream: Stream, folder: Path) -> None:
    """Write the milliseconds of each layer, the slowest first, and what TensorRT tells of them."""

    class Profiler(trt.IProfiler):  # type: ignore[misc]  # the class is known only at run time
        def __init__(self) -> None:
            trt.IProfiler.__init__(self)
            self.total_ms: dict[str, float] = {}

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            self.total_ms[layer_name] = self.total_ms.get(layer_name, 0.0) + ms

    profiler = Profiler()
    context.profiler = profiler
    for _ in range(_PROFILED):
        context.execute_async_v3(stream.handle)
        stream.wait()
    ordered = sorted(profiler.total_ms.items(), key=lambda item: -item[1])
    told = [[name, round(total_ms / _PROFILED, 5)] for name, total_ms in ordered]
    (folder / "layers.json").write_text(json.dumps(told, indent=0))
    inspected = engine.create_engine_inspector().get_engine_information(trt.LayerInformationFormat.JSON)
    (folder / "inspected.json").write_text(inspected)


if __name__ == "__main__":
    main()
