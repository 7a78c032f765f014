"""Verification of an engine with an operator of a plugin, in its three ways, on the card."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from farm.protocol.engine import TensorSpec
from farm.protocol.keys import PreparationRecipe, RequestKey
from farm.protocol.model import FileRef
from farm.protocol.options import BenchmarkPolicy, BuildOptions, Precision, VerifyBy, VerifyPolicy
from farm.protocol.report import Verdict, VerificationReport
from farm.protocol.target import BuildTarget
from farm.protocol.work import BuildWork, Prepared
from farm.runtime.arrays import save_arrays
from worker.device.build import make

from . import deformable
from .engines import GIVEN

TWIN = f"onnxruntime, optimisations off, and NumPy for {deformable.DOMAIN}::{deformable.OPERATOR}"


def verified(
    folder: Path,
    target: BuildTarget,
    references: dict[str, Any] | None,
    told_by: str = TWIN,
    precision: Precision = Precision.FP16,
    by: VerifyBy = VerifyBy.AUTO,
) -> VerificationReport:
    """Build the network and verify it, as a device does."""
    for name in ("input", "output"):
        (folder / name).mkdir(parents=True)
    path = folder / "input/model.onnx"
    onnx.save(deformable.net(), str(path))
    arrays = {"reference_inputs": deformable.inputs(), "reference_outputs": references}
    for name, found in arrays.items():
        if found is not None:
            save_arrays(folder / f"input/{name}.npz", found)
    specs = tuple(TensorSpec(name, "float32", shape) for name, shape in deformable.shapes().items())
    size = (1, deformable.QUERIES, deformable.HEADS, deformable.CHANNELS)
    prepared = Prepared(
        files=(FileRef("model.onnx", path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest()),),
        inputs=specs,
        outputs=(TensorSpec("y", "float32", size),),
        reference_inputs="1" * 64,
        reference_outputs=None if references is None else "2" * 64,
        reference=told_by,
        plugin_operators=(f"{deformable.DOMAIN}::{deformable.OPERATOR}",),
    )
    options = BuildOptions(precision, backend_options=dict(item.split("=", 1) for item in GIVEN))
    key = RequestKey("0" * 64, PreparationRecipe(()), options, target, {})
    bench = BenchmarkPolicy(enabled=False)
    # Places in float16 are off by hundredths of a pixel.
    atol = {"": 0.1} if precision is Precision.FP16 else {}
    work = BuildWork("build-1", "net", key, prepared, VerifyPolicy(atol, by=by), bench, deadline_s=600.0)
    return make(work, folder, lambda state, detail: None).verification


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
def test_the_twin_of_a_plugin_agrees_with_the_engine(tmp_path: Path, target: BuildTarget, precision: Precision) -> None:
    told = verified(tmp_path, target, deformable.answer(deformable.inputs()), precision=precision)
    assert (told.verdict, told.reference) == (Verdict.PASSED, TWIN), told


def test_a_twin_that_says_otherwise_fails_the_engine(tmp_path: Path, target: BuildTarget) -> None:
    other = {name: array * np.float32(1.1) for name, array in deformable.answer(deformable.inputs()).items()}
    assert verified(tmp_path, target, other, precision=Precision.FP32).verdict is Verdict.FAILED


def test_the_author_s_outputs_are_named_as_such(tmp_path: Path, target: BuildTarget) -> None:
    told = verified(tmp_path, target, deformable.answer(deformable.inputs()), told_by="author")
    assert (told.verdict, told.reference) == (Verdict.PASSED, "author"), told


def test_a_float32_build_with_the_same_plugin_answers_where_nobody_else_does(
    tmp_path: Path, target: BuildTarget
) -> None:
    told = verified(tmp_path, target, None, told_by="none: ONNX Runtime has no operator for it")
    assert told.verdict is Verdict.PASSED, told
    assert told.reference == f"float32 build of tensorrt {target.backend_version} with the same plugins"
    assert (tmp_path / "scratch/float32/output/engine.plan").exists()


def test_a_float32_engine_has_nobody_else_to_answer_for_it(tmp_path: Path, target: BuildTarget) -> None:
    told = verified(tmp_path, target, None, "none: no operator", Precision.FP32)
    assert told.verdict is Verdict.UNVERIFIED
    assert "it is a float32 build itself" in told.reason


def test_the_twin_is_right_at_places_that_a_person_can_check() -> None:
    value = np.zeros((1, deformable.PLACES, deformable.HEADS, deformable.CHANNELS), np.float32)
    value[0, :96] = np.arange(96, dtype=np.float32)[:, None, None]
    where = np.full(deformable.shapes()["where"], -9.0, np.float32)
    how_much = np.ones(deformable.shapes()["how_much"], np.float32)
    # The middle of the pixel in row 2, column 3 of the first map; then half a pixel to the right of it.
    where[0, 0, :, 0, 0] = (3.5 / 12, 2.5 / 8)
    where[0, 1, :, 0, 0] = (4.0 / 12, 2.5 / 8)
    found = deformable.attention(value, where, how_much)
    np.testing.assert_allclose(found[0, 0], 27.0, rtol=1e-5)
    np.testing.assert_allclose(found[0, 1], 27.5, rtol=1e-5)
    assert not found[0, 2:].any()
