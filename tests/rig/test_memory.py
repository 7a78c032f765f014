"""Memory that is not enough: TensorRT really runs out of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# More than parsing takes, less than the weights of the plan take beside it.
_SCARCE_MEBIBYTES = 300


@pytest.fixture
def built(rig: Path, tmp_path: Path) -> Any:
    def build(then_mebibytes: int) -> Any:
        command = [sys.executable, "-m", "tests.rig.scarce", str(tmp_path), str(_SCARCE_MEBIBYTES), str(then_mebibytes)]
        environ = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{rig}"}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr[-2000:]
        return json.loads(done.stdout.splitlines()[-1])

    return build


def test_a_lower_rung_that_fits_is_degraded_and_says_what_did_not(built: Any) -> None:
    told = built(8192)
    assert told["degraded"] is True
    assert told["effective"]["rung"] == "smaller workspace"
    assert told["effective"]["workspace_bytes"] == 256 << 20
    (before,) = told["effective"]["rungs_before"]
    assert before["rung"] == "as asked"
    assert "OutOfMemory" in before["error"]
    assert told["effective"]["rungs_missing"] == ["fewer tactic sources: it times no tactics"]


def test_when_no_rung_fits_every_one_is_named(built: Any) -> None:
    told = built(0)
    assert "tried as asked, smaller workspace, lower optimisation level" in told["error"]
    assert "Error Code 2: OutOfMemory" in told["error"]
