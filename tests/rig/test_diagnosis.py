"""`farm diagnose` where TensorRT's own parser refuses: what it says is enough, and nothing more is built."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from farm.protocol.exits import Exit
from tests.e2e.fleet import Fleet
from tests.support import models

pytestmark = pytest.mark.slow


def choosing(folder: Path) -> Path:
    """Named as PyTorch's tracer names operators; TensorRT for RTX has no NonMaxSuppression."""
    nodes = [
        helper.make_node("Relu", ["scores"], ["above"], "/head/score/Relu"),
        helper.make_node("NonMaxSuppression", ["boxes", "above", "most"], ["rows"], "/head/best/NonMaxSuppression"),
        helper.make_node("Cast", ["rows"], ["y"], "/head/best/Cast", to=TensorProto.FLOAT),
    ]
    inputs = {"boxes": ("float32", [1, 6, 4]), "scores": ("float32", [1, 2, 6])}
    made = models.model(nodes, inputs, {"y": ("float32", ["n", 3])}, {"most": np.array([3])})
    onnx.save(made, str(folder / "choosing.onnx"))
    return folder / "choosing.onnx"


def test_an_operator_that_the_parser_lacks_is_named_with_its_module_and_its_repair(
    ahead: Fleet, tmp_path: Path
) -> None:
    told = ahead.farm("submit", choosing(tmp_path), "--targets", "rtx-aot", "--wait", "--json")
    assert told.code == Exit.BUILD_FAILED, told.out + told.err
    (view,) = ahead.client.list(name="choosing")
    found = ahead.json("diagnose", ahead.build(view).id)
    assert (found["how"], found["probes"]) == ("named in the message", 0)
    (suspect,) = found["suspects"]
    assert (suspect["operator"], suspect["name"]) == ("NonMaxSuppression", "/head/best/NonMaxSuppression")
    assert suspect["origin"] == "head.best"
    assert "--steps default,to_plugins" in [remedy["word"] for remedy in found["remedies"]]
