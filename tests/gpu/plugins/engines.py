"""Engines that are the operator of a case and nothing else, made and opened as a device and its user do."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import onnx

from farm.filehash import file_ref
from farm.protocol.engine import EngineManifest, TensorSpec
from farm.protocol.facts import DeviceFacts
from farm.protocol.keys import PreparationRecipe, RequestKey
from farm.protocol.model import FileRef
from farm.protocol.options import BenchmarkPolicy, BuildOptions, Precision, ShapeRange, VerifyPolicy
from farm.protocol.plugins import LIBRARY_FOLDER, PluginWork
from farm.protocol.target import BuildTarget
from farm.protocol.work import BuildWork, Prepared
from farm.runtime.arrays import save_arrays
from farm.runtime.bundle import write_manifest
from farm.runtime.cuda.device import Device
from farm.runtime.engine import Engine
from farm.runtime.session import Launch
from farm.runtime.tensorrt.lane import Lane
from farm.runtime.tensorrt.load import Loaded
from farm.runtime.tensorrt.tensors import tensors_of
from farm.runtime.tensorrt.timed import Timed
from tests.gpu.engines import GIVEN
from tests.plugins.cases import Array, Case, Inputs
from tests.plugins.expected import tolerance
from tests.plugins.graph import graph
from worker.child.result import ChildResult
from worker.device.build import make

SHORT = BenchmarkPolicy(warmup_ms=10, duration_s=0.05, max_cv_percent=1e6, attempts=1, cuda_graph=True)
Named = dict[str, Array]


def named(letter: str, arrays: Inputs) -> Named:
    """As the graph of a case calls them."""
    return {f"{letter}{place}": array for place, array in enumerate(arrays)}


def built(
    folder: Path, case: Case, dtype: str, target: BuildTarget, plugin: tuple[PluginWork, Path]
) -> tuple[BuildWork, ChildResult]:
    """Build, verify against the reference, and measure in a CUDA graph; one profile has all inputs of the case."""
    work = _laid_out(folder, case, dtype, target, *plugin)
    return work, make(work, folder, lambda state, detail: None)


def opened(folder: Path, work: BuildWork, result: ChildResult, facts: DeviceFacts) -> Engine:
    """The engine with its plugin library beside it, as it is fetched."""
    bundle = folder / "output"
    shutil.copytree(folder / "input" / LIBRARY_FOLDER, bundle / LIBRARY_FOLDER)
    libraries = [file_ref(path, f"{LIBRARY_FOLDER}/{path.name}") for path in (bundle / LIBRARY_FOLDER).iterdir()]
    manifest = EngineManifest(
        model_name=work.model_name,
        model=work.key.model,
        key=work.key,
        requirement=result.requirement,
        files=(*result.files, *libraries),
        inputs=result.inputs,
        outputs=result.outputs,
    )
    write_manifest(bundle, manifest)
    return Engine.open(bundle, facts)


def replayed(plan: Path, options: BuildOptions, recorded: Named, inputs: Named) -> list[Named]:
    """The outputs of two replays of a CUDA graph that was recorded with other contents of the inputs."""
    device = Device()
    with device.current():
        loaded = Loaded(plan, options, rtx=False)
        lane = Lane(device, loaded, tensors_of(loaded.trt, loaded.engine))
        lane.take(recorded)
        inference = Timed(lane, Launch(cuda_graph=True))
        found = []
        for _ in range(2):
            lane.take(inputs)
            inference()
            found.append(lane.results())
        inference.close()
        lane.close()
        loaded.close()
    device.close()
    return found


def _laid_out(
    folder: Path, case: Case, dtype: str, target: BuildTarget, plugin: PluginWork, library: Path
) -> BuildWork:
    (folder / "input" / LIBRARY_FOLDER).mkdir(parents=True)
    (folder / "output").mkdir()
    shutil.copy(library, folder / "input" / LIBRARY_FOLDER)
    path = folder / "input/model.onnx"
    model = graph(case, is_open=True)
    onnx.save(model, str(path))
    inputs, outputs = named("x", case.inputs), named("y", tuple(case.wanted(case.inputs)))
    save_arrays(folder / "input/reference_inputs.npz", inputs)
    save_arrays(folder / "input/reference_outputs.npz", outputs)
    prepared = Prepared(
        files=(FileRef("model.onnx", path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()),),
        inputs=_specs(model.graph.input),
        outputs=_specs(model.graph.output),
        reference_inputs="1" * 64,
        reference_outputs="2" * 64,
        reference=f"NumPy for {case.operator}",
        plugin_operators=(f"own::{case.operator}",),
    )
    shapes = zip(case.smallest, (array.shape for array in case.inputs), case.largest)
    profile = {f"x{place}": ShapeRange(*each) for place, each in enumerate(shapes)}
    precision = Precision.FP16 if dtype == "float16" else Precision.FP32
    options = BuildOptions(precision, (profile,), backend_options=dict(item.split("=", 1) for item in GIVEN))
    key = RequestKey("0" * 64, PreparationRecipe(()), options, target, {plugin.name: plugin.source.digest})
    limit = {"": tolerance(case.plugin).get(dtype, 0.0)}
    verify = VerifyPolicy(limit, limit)
    return BuildWork("build-1", "net", key, prepared, verify, SHORT, deadline_s=600.0, plugins=(plugin,))


def _specs(values: list[onnx.ValueInfoProto]) -> tuple[TensorSpec, ...]:
    found = []
    for value in values:
        tensor = value.type.tensor_type
        shape = tuple(-1 if axis.dim_param else axis.dim_value for axis in tensor.shape.dim)
        dtype = str(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
        found.append(TensorSpec(value.name, dtype, shape))
    return tuple(found)
