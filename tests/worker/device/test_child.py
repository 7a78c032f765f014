"""The build child as its parent starts it: a process with a workspace and a pipe, and an environment with nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farm.protocol.codec import loads
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.report import Failure, FailureKind, Verdict
from farm.protocol.states import State
from worker.child.result import ChildResult

from ...support import models
from .works import ref, workspace

ROOT = Path(__file__).parents[3]
IMAGES = {"images": np.random.default_rng(7).standard_normal((1, 3, 16, 16)).astype(np.float32)}


def child(folder: Any) -> Any:
    """Run it; exit status, the states it told, and its log."""
    reading, writing = os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "worker.device.child", str(folder)],
            cwd=str(ROOT),
            env={"FARM_CHILD_STAGES": str(writing)},
            pass_fds=(writing,),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
    finally:
        os.close(writing)
    with os.fdopen(reading) as stream:
        states = [json.loads(line)["state"] for line in stream]
    return done.returncode, states, done.stdout


def test_a_pre_trained_network_is_built_verified_and_measured(tmp_path: Path, silero: Any) -> None:
    workspace(tmp_path, silero / models.SILERO_FILE, models.silero_inputs())
    status, states, log = child(tmp_path)
    assert status == 0, log
    assert states == ["building", "verifying", "benchmarking"]
    result = loads(ChildResult, (tmp_path / "result.json").read_text())
    assert result.verification
    assert result.verification.verdict is Verdict.PASSED
    assert result.benchmark
    assert result.benchmark.latency
    assert result.benchmark.latency.median_ms > 0
    assert result.samples
    for item in (*result.files, result.samples):
        assert ref(tmp_path / "output" / item.name, item.name) == item
    assert "optimised 348 operators" in log
    assert "output stateN: passed" in log


def test_a_model_with_a_nan_is_a_result_that_says_failed(tmp_path: Path) -> None:
    x = np.abs(IMAGES["images"].reshape(-1)[:8]).reshape(1, 8)
    workspace(tmp_path, models.nan_net(), {"x": -x}, references={"y": np.sqrt(x)})
    status, states, _ = child(tmp_path)
    result = loads(ChildResult, (tmp_path / "result.json").read_text())
    assert status == 0
    assert states == ["building", "verifying"]
    assert (result.verification.verdict, result.benchmark) == (Verdict.FAILED, None)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        (BuildOptions(precision=Precision.INT8), FailureKind.UNSUPPORTED, "without calibration data"),
        (BuildOptions(backend_options={"magic": 1}), FailureKind.UNSUPPORTED, "has no option 'magic'"),
    ],
)
def test_what_cannot_be_built_is_a_failure_with_its_stage(
    tmp_path: Path, options: Any, kind: Any, message: str
) -> None:
    workspace(tmp_path, models.conv_net(), IMAGES, options=options)
    status, _, log = child(tmp_path)
    failure = loads(Failure, (tmp_path / "failure.json").read_text())
    assert status == 1
    assert (failure.kind, failure.stage) == (kind, State.BUILDING)
    assert message in failure.message
    assert failure.hint
    assert message in log
    assert not (tmp_path / "result.json").exists()


def test_a_truncated_model_is_a_failure(tmp_path: Path) -> None:
    workspace(tmp_path, models.conv_net(), IMAGES)
    path = tmp_path / "input/model.onnx"
    path.write_bytes(path.read_bytes()[:-1000])
    status, _, _ = child(tmp_path)
    failure = loads(Failure, (tmp_path / "failure.json").read_text())
    assert (status, failure.kind) == (1, FailureKind.FAILED)
    assert "cannot load model.onnx" in failure.message


def test_a_pickle_in_the_references_is_not_loaded(tmp_path: Path) -> None:
    workspace(tmp_path, models.conv_net(), IMAGES)
    np.savez(str(tmp_path / "input/reference_inputs.npz"), images=np.array([{"a": 1}], dtype=object))
    status, _, _ = child(tmp_path)
    failure = loads(Failure, (tmp_path / "failure.json").read_text())
    assert (status, failure.kind, failure.stage) == (1, FailureKind.INVALID, State.VERIFYING)


def test_without_a_workspace_it_says_how_to_call_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "worker.device.child"], cwd=str(ROOT), stderr=subprocess.PIPE, text=True
    )
    assert done.returncode == 2
    assert "usage" in done.stderr
