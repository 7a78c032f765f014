"""Work for a build child: a workspace with a prepared model and its references, as a worker lays it out."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Dict, Optional

import onnx

from farm.protocol.codec import dumps
from farm.protocol.keys import PreparationRecipe, RequestKey
from farm.protocol.model import FileRef
from farm.protocol.options import BenchmarkPolicy, BuildOptions, VerifyPolicy
from farm.protocol.work import BuildWork, Prepared
from farm.runtime.arrays import save_arrays
from farm.runtime.onnxruntime import open_session

from ...support import models
from .builders.orders import target_here

QUICK = BenchmarkPolicy(warmup_ms=1, iterations=20, duration_s=0.05, max_cv_percent=1e6, attempts=1)


def workspace(
    folder: Path,
    model: Any,
    inputs: Optional[Dict[str, Any]],
    references: Optional[Dict[str, Any]] = None,
    options: BuildOptions = BuildOptions(),  # noqa: B008  frozen
    verify: VerifyPolicy = VerifyPolicy(),  # noqa: B008  frozen
    benchmark: BenchmarkPolicy = QUICK,
    plugins: Optional[Dict[str, str]] = None,
    calibration: Optional[Dict[str, Any]] = None,
    known: bool = True,
) -> BuildWork:
    """Lay the workspace out; references are computed where none are given, and left out where not `known`."""
    (folder / "input").mkdir(parents=True)
    (folder / "output").mkdir()
    path = folder / "input/model.onnx"
    onnx.save(onnx.load(str(model)) if isinstance(model, Path) else model, str(path))
    if references is None and inputs is not None and known:
        references = models.plain_outputs(path, inputs)
    arrays = {"reference_inputs": inputs, "reference_outputs": references, "calibration": calibration}
    for name, found in arrays.items():
        if found is not None:
            save_arrays(folder / f"input/{name}.npz", found)
    with open_session(path) as session:
        prepared = Prepared(
            files=(ref(path, "model.onnx"),),
            inputs=session.inputs,
            outputs=session.outputs,
            reference_inputs=None if inputs is None else "1" * 64,
            reference_outputs=None if references is None else "2" * 64,
            reference="onnxruntime, optimisations off",
        )
    key = RequestKey("0" * 64, PreparationRecipe(()), options, target_here(), plugins or {})
    work = BuildWork("build-1", "net", key, prepared, verify, benchmark, deadline_s=60.0)
    (folder / "spec.json").write_text(dumps(work))
    return work


def ref(path: Path, name: str) -> FileRef:
    """The reference of a file."""
    content = path.read_bytes()
    return FileRef(name, len(content), hashlib.sha256(content).hexdigest())
