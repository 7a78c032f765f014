"""Build orders for tests, on the machine that runs them."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any, Dict, Optional

import onnx
import onnxruntime

from farm.device.cpu import probe_cpu
from farm.device.machine import Machine
from farm.protocol.options import BuildOptions
from farm.protocol.target import BuildTarget
from farm.runtime.arrays import save_arrays
from farm.runtime.onnxruntime import open_session
from worker.device.builders.base import BuildOrder


@functools.lru_cache(maxsize=None)
def target_here() -> BuildTarget:
    """What this machine builds for with onnxruntime."""
    machine = Machine()
    return BuildTarget(
        backend="onnxruntime",
        backend_version=onnxruntime.__version__,
        platform=machine.platform,
        libc=machine.libc,
        instruction_sets=probe_cpu(machine).instruction_sets,
    )


def order_of(
    folder: Path,
    model: Any,
    options: BuildOptions = BuildOptions(),  # noqa: B008  frozen
    calibration: Optional[Dict[str, Any]] = None,
    target: Optional[BuildTarget] = None,
    beside: bool = False,
) -> BuildOrder:
    """An order for a model, or for the file of one; with `beside` the weights lie in a file of their own."""
    for name in ("input", "output", "scratch"):
        (folder / name).mkdir(parents=True)
    path = folder / "input/model.onnx"
    loaded = onnx.load(str(model)) if isinstance(model, Path) else model
    if beside:
        (folder / "input/weights").mkdir()
        onnx.save(loaded, str(path), save_as_external_data=True, location="weights/data.bin", size_threshold=0)
    else:
        onnx.save(loaded, str(path))
    if calibration is not None:
        save_arrays(folder / "input/calibration.npz", calibration)
    with open_session(path) as session:
        inputs = session.inputs
    return BuildOrder(
        model=path,
        files=("model.onnx", "weights/data.bin") if beside else ("model.onnx",),
        inputs=inputs,
        options=options,
        target=target or target_here(),
        calibration=None if calibration is None else folder / "input/calibration.npz",
        output=folder / "output",
        scratch=folder / "scratch",
    )
