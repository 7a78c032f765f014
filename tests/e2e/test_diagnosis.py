"""`farm diagnose`: a build that failed on a real worker, and the parts of its graph that are built there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from farm.protocol.errors import Invalid
from tests.support import models
from worker.host.diagnose.of_build import FailedBuild

from .fleet import Fleet

pytestmark = [pytest.mark.services, pytest.mark.slow]


def faulty(folder: Path) -> Path:
    """ONNX Runtime computes Relu in float64, and has no Erf for it."""
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["a"], "/stem/MatMul"),
        helper.make_node("Cast", ["a"], ["b"], "/stem/Cast", to=TensorProto.DOUBLE),
        helper.make_node("Relu", ["b"], ["c"], "/stem/Relu"),
        helper.make_node("Erf", ["c"], ["d"], "/head/Erf"),
        helper.make_node("Cast", ["d"], ["e"], "/head/Cast", to=TensorProto.FLOAT),
        helper.make_node("Softmax", ["e"], ["y"], "/head/Softmax"),
    ]
    weight = np.random.default_rng(7).random((4, 4), np.float32)
    made = models.model(nodes, {"x": ("float32", [2, 4])}, {"y": ("float32", [2, 4])}, {"w": weight})
    path = folder / "faulty.onnx"
    onnx.save(made, str(path))
    return path


def test_the_operator_at_fault_is_named_and_found_by_building_parts(shared: Fleet, tmp_path: Path) -> None:
    shared.worker("box")
    view = shared.ended(shared.submit(faulty(tmp_path), "cpu"))
    build = shared.build(view)
    assert build.failure is not None, shared.story(view)

    told = shared.farm("diagnose", build.id, "--no-probes")
    assert told.code == 0, told.err
    assert "Erf /head/Erf" in told.out
    assert "c float64 2x4" in told.out

    found = shared.json("diagnose", build.id, "--probe-anyway")
    assert found["suspects"][0]["name"] == "/head/Erf"
    assert found["suspects"][0]["origin"] == "head"
    assert found["how"] == "builds of parts"
    assert 1 <= found["probes"] <= 3
    parts = shared.client.list(tags={"diagnosis": "of faulty"})
    assert len(parts) == found["probes"]
    # What was built of them is not kept.
    assert all(not shared.engines(part) for part in parts)

    good = next(part for part in parts if shared.build(part).failure is None)
    with pytest.raises(Invalid, match="did not fail"):
        FailedBuild(shared.client, shared.build(good).id, tmp_path, print)
