"""Whom an engine is held against, with engines of ONNX Runtime, which anybody can build and run."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from farm.protocol.options import BuildOptions, Precision, VerifyBy, VerifyPolicy
from farm.protocol.report import Verdict, VerificationReport
from farm.protocol.work import DRAWS_RANDOM, BuildWork, Claim, Lease, ReuseEngine
from worker.device.build import make
from worker.device.builders.widen import widen
from worker.lease.workspace import inputs_of

from ...support import models
from .works import workspace

IMAGES = {"images": np.random.default_rng(7).standard_normal((1, 3, 16, 16)).astype(np.float32)}
HALF = BuildOptions(Precision.FP16)


def work(folder: Path, by: VerifyBy, plugins: bool = False, options: BuildOptions = HALF, **more: Any) -> BuildWork:
    laid = workspace(folder, models.conv_net(), IMAGES, options=options, verify=VerifyPolicy(by=by), **more)
    known = ("own::Frobnicate",) if plugins else ()
    return dataclasses.replace(laid, prepared=dataclasses.replace(laid.prepared, plugin_operators=known))


def verification(asked: BuildWork, folder: Path) -> VerificationReport:
    return make(asked, folder, lambda state, detail: None).verification


def wrong() -> Any:
    return {"logits": np.full((1, 10), 7.0, np.float32), "features": np.full((1, 32, 16, 16), 7.0, np.float32)}


def test_a_float32_build_answers_where_it_is_asked_for(tmp_path: Path) -> None:
    told = verification(work(tmp_path, VerifyBy.FLOAT32, references=wrong()), tmp_path)
    assert told.verdict is Verdict.PASSED
    assert told.reference.startswith("float32 build of onnxruntime ")
    assert told.reference.endswith("with the same plugins")
    assert all(output.absolute.maximum and output.absolute.maximum > 0 for output in told.outputs)


def test_references_answer_where_they_are_asked_for(tmp_path: Path) -> None:
    told = verification(work(tmp_path, VerifyBy.REFERENCE, references=wrong()), tmp_path)
    assert (told.verdict, told.reference) == (Verdict.FAILED, "onnxruntime, optimisations off")


def test_by_itself_it_asks_the_references_first(tmp_path: Path) -> None:
    told = verification(work(tmp_path, VerifyBy.AUTO, plugins=True), tmp_path)
    assert (told.verdict, told.reference) == (Verdict.PASSED, "onnxruntime, optimisations off")


def test_by_itself_it_asks_a_float32_build_where_nobody_answers_for_a_plugin(tmp_path: Path) -> None:
    told = verification(work(tmp_path, VerifyBy.AUTO, plugins=True, known=False), tmp_path)
    assert told.verdict is Verdict.PASSED
    assert told.reference.startswith("float32 build of onnxruntime ")


@pytest.mark.parametrize(
    ("by", "plugins", "options", "told"),
    [
        (VerifyBy.AUTO, False, HALF, "there are no reference outputs"),
        (VerifyBy.REFERENCE, True, HALF, "there are no reference outputs"),
        (VerifyBy.AUTO, True, BuildOptions(), "it is a float32 build itself, and nothing else answers"),
        (VerifyBy.FLOAT32, False, BuildOptions(), "it is a float32 build itself, and nothing else answers"),
    ],
)
def test_where_nobody_answers_the_report_says_why(
    tmp_path: Path, by: VerifyBy, plugins: bool, options: BuildOptions, told: str
) -> None:
    found = verification(work(tmp_path, by, plugins, options, known=False), tmp_path)
    assert found.verdict is Verdict.UNVERIFIED
    assert found.reason.startswith(told)


def test_nobody_answers_for_random_numbers(tmp_path: Path) -> None:
    asked = work(tmp_path, VerifyBy.FLOAT32, plugins=True, known=False)
    drawn = dataclasses.replace(asked.prepared, reference=f"none: {DRAWS_RANDOM} (RandomNormal)")
    found = verification(dataclasses.replace(asked, prepared=drawn), tmp_path)
    told = f"there are no reference outputs: {DRAWS_RANDOM} (RandomNormal)"
    assert (found.verdict, found.reason) == (Verdict.UNVERIFIED, told)


def test_an_existing_engine_brings_its_graph_where_a_float32_build_answers(tmp_path: Path) -> None:
    for by, files in ((VerifyBy.FLOAT32, True), (VerifyBy.AUTO, False)):
        asked = dataclasses.replace(work(tmp_path / by, by), reuse=ReuseEngine("engine-1", (), (), ()))
        assert ("model.onnx" in inputs_of(Claim(Lease("attempt", 1, 1.0), build=asked))) is files


def test_a_graph_of_both_types_becomes_float32_with_its_weights_as_they_are(tmp_path: Path) -> None:
    weight = np.random.default_rng(3).standard_normal((8, 8)).astype(np.float16)
    nodes = [
        helper.make_node("Cast", ["x"], ["half"], to=TensorProto.FLOAT16),
        helper.make_node("MatMul", ["half", "w"], ["product"]),
        helper.make_node("Cast", ["product"], ["y"], to=TensorProto.FLOAT),
    ]
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 8]) for name in ("x", "y")]
    graph = helper.make_graph(nodes, "both", values[:1], values[1:], [numpy_helper.from_array(weight, "w")])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    wide = widen(path, tmp_path)
    x = np.random.default_rng(4).standard_normal((4, 8)).astype(np.float32)
    found = models.plain_outputs(wide, {"x": x})["y"]
    np.testing.assert_allclose(found, x @ weight.astype(np.float32), rtol=1e-5, atol=1e-5)
    assert widen(wide, tmp_path) == wide
