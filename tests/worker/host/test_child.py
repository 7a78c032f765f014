from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from farm.protocol.codec import loads
from farm.protocol.options import ReferencePolicy
from farm.protocol.report import Failure, FailureKind
from farm.protocol.states import State
from farm.protocol.work import Prepared
from tests.support import models

from .broken import BROKEN
from .workspaces import workspace

ROOT = Path(__file__).parents[3]


def child(folder: Path, **told_by_worker: str) -> tuple[int, list[str], str]:
    """Exit status, the stages it told, and its log."""
    reading, writing = os.pipe()
    environ = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "FARM_CHILD_STAGES": str(writing), **told_by_worker}
    done = subprocess.run(
        [sys.executable, "-m", "worker.host.child", str(folder)],
        pass_fds=(writing,),
        env=environ,
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    os.close(writing)
    with os.fdopen(reading) as stages:
        told = [json.loads(line)["state"] for line in stages]
    return done.returncode, told, done.stdout


def test_a_preparation_in_a_process_of_its_own(silero: Path, tmp_path: Path) -> None:
    policy = ReferencePolicy(shapes={"input": (1, 576), "state": (2, 1, 128)})
    workspace(tmp_path, silero / models.SILERO_FILE, policy)
    status, stages, log = child(tmp_path)
    assert status == 0, log
    assert list(dict.fromkeys(stages)) == ["preparing", "referencing"]
    prepared = loads(Prepared, (tmp_path / "result.json").read_bytes())
    assert prepared.reference_outputs is not None
    assert "fold: 689 ->" in log


@pytest.mark.parametrize("what", ["unknown operator", "no outputs"])
def test_a_broken_model_is_a_failure_with_a_sentence(what: str, tmp_path: Path) -> None:
    make, sentence = BROKEN[what]
    path = tmp_path / "source.onnx"
    path.write_bytes(make().SerializeToString())
    workspace(tmp_path, path)
    status, stages, _ = child(tmp_path)
    assert status == 1
    failure = loads(Failure, (tmp_path / "failure.json").read_bytes())
    assert (failure.kind, failure.stage) == (FailureKind.INVALID, State.PREPARING)
    assert sentence in failure.message
    assert failure.hint
    assert stages == ["preparing"]
    assert not (tmp_path / "result.json").exists()


def test_what_the_worker_would_end_is_refused_with_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "source.onnx"
    path.write_bytes(models.embedding_net().SerializeToString())
    # 64 MiB of values: nothing for a machine, too much for this worker.
    workspace(tmp_path, path, ReferencePolicy(shapes={"ids": (1, 1 << 20)}))
    status, _, log = child(tmp_path, FARM_CHILD_MEMORY_BYTES=str(32 << 20))
    assert status == 1, log
    failure = loads(Failure, (tmp_path / "failure.json").read_bytes())
    assert "of 1x1048576x16 needs 64 MiB, a preparation may take 32 MiB here" in failure.message
    assert "FARM_WORKER_MEMORY_BYTES" in failure.hint


def test_a_child_without_a_workspace_says_how_it_is_called() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "worker.host.child"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "usage" in done.stderr
