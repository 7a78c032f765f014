from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from farm.protocol.errors import Invalid
from farm.protocol.states import State
from worker.child.failpoints import Failpoints, parse

ROOT = Path(__file__).parents[3]


def test_faults_are_read_by_stage() -> None:
    assert parse(" building=pause:6, publishing=pause:0.5,verifying=segv ") == {
        State.BUILDING: "pause:6",
        State.PUBLISHING: "pause:0.5",
        State.VERIFYING: "segv",
    }
    assert parse("") == {}


@pytest.mark.parametrize("text", ["building", "building=fire", "cooking=pause:1", "building=pause", "building=pause:x"])
def test_a_fault_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="FARM_FAILPOINTS"):
        parse(text)


def test_a_pause_strikes_its_stage_only() -> None:
    slept: list[float] = []
    faults = Failpoints({State.BUILDING: "pause:6"}, slept.append)
    faults.strike(State.VERIFYING)
    assert slept == []
    faults.strike(State.BUILDING)
    assert slept == [6.0]


def test_a_crash_is_a_real_one() -> None:
    code = (
        "from worker.child.failpoints import *; from farm.protocol.states import State\n"
        "Failpoints({State.BUILDING: 'segv'}).strike(State.BUILDING)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=str(ROOT), check=False, stderr=subprocess.DEVNULL)
    assert done.returncode == -signal.SIGSEGV
