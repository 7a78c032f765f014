"""The two children of the farm, started as a worker starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from farm.protocol.codec import loads
from farm.protocol.options import ReferencePolicy
from farm.protocol.report import FailureKind, Verdict
from farm.protocol.states import State
from farm.protocol.work import Prepared
from tests.support import models
from tests.worker.device import works
from worker.child.crash import reason_of
from worker.child.isolate import Child, Ended, Limits
from worker.child.reproduce import write_reproduce
from worker.child.result import ChildResult
from worker.lease.workspace import keep_failed
from worker.slots import held

ENVIRON = {"PATH": os.environ["PATH"]}
BUILD, PREPARATION = "worker.device.child", "worker.host.child"
IMAGES = {"images": np.random.default_rng(7).standard_normal((1, 3, 16, 16)).astype(np.float32)}


class Told:
    """What was heard of a child."""

    def __init__(self) -> None:
        self.log = bytearray()
        self.stages: list[str] = []

    def run(self, module: str, workspace: Path, faults: str = "") -> Ended:
        environ = {**ENVIRON, "FARM_FAILPOINTS": faults}
        with held(workspace.parent / "slots", "cpu0") as lock:
            child = Child(module, workspace, Limits(60.0), lock, environ, self.log.extend, self._stage)
            child.start()
            return child.wait()

    def _stage(self, name: str, detail: str) -> None:
        self.stages.append(name)


@pytest.fixture
def build(tmp_path: Path) -> Path:
    works.workspace(tmp_path / "w", models.conv_net(), IMAGES)
    return tmp_path / "w"


def test_a_build(build: Path) -> None:
    told = Told()
    ended = told.run(BUILD, build)
    assert ended.status == 0, told.log.decode()
    assert told.stages == ["building", "verifying", "benchmarking"]
    result = loads(ChildResult, (build / "result.json").read_text())
    assert result.verification.verdict is Verdict.PASSED
    assert ended.peak_bytes > 10 << 20


@pytest.mark.skipif(sys.version_info < (3, 11), reason="a host has Python 3.11 or newer; this is a device")
def test_a_preparation(tmp_path: Path, silero: Path) -> None:
    from tests.worker.host import workspaces

    folder = tmp_path / "w"
    folder.mkdir()
    policy = ReferencePolicy(shapes={"input": (1, 576), "state": (2, 1, 128)})
    workspaces.workspace(folder, silero / models.SILERO_FILE, policy)
    told = Told()
    ended = told.run(PREPARATION, folder)
    assert ended.status == 0, told.log.decode()
    assert list(dict.fromkeys(told.stages)) == ["preparing", "referencing"]
    assert loads(Prepared, (folder / "result.json").read_bytes()).reference_outputs is not None


def test_a_crash_in_a_stage_is_repeated_by_its_script_from_where_it_is_kept(build: Path, tmp_path: Path) -> None:
    told = Told()
    ended = told.run(BUILD, build, "verifying=segv")
    failure = reason_of(ended, build, State(told.stages[-1]), "")
    assert (failure.kind, failure.stage, failure.signal) == (FailureKind.CRASHED, State.VERIFYING, "SIGSEGV")
    write_reproduce(build, BUILD, {**ENVIRON, "FARM_FAILPOINTS": "verifying=segv"})
    keep_failed(build, tmp_path / "failed")
    script = tmp_path / "failed/w/reproduce.sh"
    assert not build.exists()
    done = subprocess.run(["sh", str(script)], cwd="/", env={}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode in (-11, 139)
    assert b"-- verifying" in done.stdout
