from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from farm.protocol.errors import Unavailable
from worker.vitals import FILE, Vitals


def test_a_worker_that_was_heard_is_well(tmp_path: Path) -> None:
    Vitals(tmp_path, lambda: 100.0).note(10.0)
    assert Vitals(tmp_path, lambda: 129.0).check() == 29.0


@pytest.mark.parametrize(("heartbeat_s", "silent_s"), [(10.0, 31.0), (1.0, 31.0), (60.0, 181.0)])
def test_one_that_is_not_heard_is_not(tmp_path: Path, heartbeat_s: float, silent_s: float) -> None:
    Vitals(tmp_path, lambda: 100.0).note(heartbeat_s)
    Vitals(tmp_path, lambda: 99.0 + silent_s).check()
    with pytest.raises(Unavailable, match=f"not answered this worker for {silent_s:.0f} s"):
        Vitals(tmp_path, lambda: 100.0 + silent_s).check()


def test_one_that_ended_or_ran_before_the_machine_started_is_none(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    told = {"at": 1.0, "heartbeat_s": 10.0, "pid": ended.pid}
    for at, pid in ((1.0, ended.pid), (100.0, os.getpid())):
        (tmp_path / FILE).write_text(json.dumps({**told, "at": at, "pid": pid}))
        with pytest.raises(Unavailable, match="no worker runs"):
            Vitals(tmp_path, lambda: 2.0).check()


@pytest.mark.parametrize(("left", "told"), [(None, "no worker has enrolled"), ("{", "cannot be read")])
def test_a_worker_that_left_nothing_to_read_is_not_well(tmp_path: Path, left: str | None, told: str) -> None:
    if left is not None:
        (tmp_path / FILE).write_text(left)
    with pytest.raises(Unavailable, match=told):
        Vitals(tmp_path).check()
