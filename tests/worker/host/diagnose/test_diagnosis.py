"""From what failed to the operator, without a farm: the same with one is in tests/e2e."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from farm.protocol.keys import StepCall
from farm.protocol.report import Failure, FailureKind
from farm.protocol.states import State
from worker.host.diagnose.diagnosis import by_message
from worker.host.graph.model import Model

from ..graph.stepping import Net

X = np.arange(24, dtype=np.float32).reshape(2, 3, 4)


@pytest.fixture
def model(tmp_path: Path) -> Model:
    nodes = [
        helper.make_node("Gather", ["x", "n"], ["picked"], "/head/Gather", axis=1),
        helper.make_node("Relu", ["picked"], ["y"], "/head/Relu"),
    ]
    return Model(Net(nodes, {"x": X}, {"n": np.array(-1)}, {"y": "float32"}).model(), tmp_path, large=False)


@pytest.mark.parametrize(
    ("message", "log", "where"),
    [
        ("tensorrt 8.5.3.1 cannot parse the Gather '/head/Gather': no such place", "", "named in the message"),
        ("the child ended", "[E] node /head/Gather: no such place", "named in the log"),
    ],
)
def test_what_a_backend_names_is_described_with_its_repair(model: Model, message: str, log: str, where: str) -> None:
    failure = Failure(FailureKind.FAILED, State.BUILDING, message, "Change that part of the model.", log)
    found = by_message(model, failure, [StepCall("fold")])
    assert found is not None
    assert (found.what, found.how, found.probes) == (message, where, 0)
    (suspect,) = found.suspects
    assert (suspect.operator, suspect.origin) == ("Gather", "head")
    assert suspect.inputs == ("x float32 2x3x4", "n int64 scalar, constant")
    assert [remedy.word for remedy in found.remedies] == [
        "--steps fold,positive_gather",
        "Change that part of the model.",
    ]


def test_a_failure_that_names_nothing_is_found_otherwise(model: Model) -> None:
    assert by_message(model, Failure(FailureKind.CRASHED, State.BUILDING, "the child was killed"), ()) is None
