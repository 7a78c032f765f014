from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from worker.child.remains import end_remains

Sleeper = Callable[[str], "subprocess.Popen[bytes]"]


@pytest.fixture
def sleeper() -> Iterator[Sleeper]:
    """Start a process with a home, in a session of its own."""
    started = []

    def start(home: str) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(["sleep", "600"], env={"FIRST": "x", "HOME": home}, start_new_session=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


def test_only_those_below_the_folder_are_ended(tmp_path: Path, sleeper: Sleeper) -> None:
    work = tmp_path / "work"
    ours = [sleeper(f"{work}/att-1/home"), sleeper(f"{work}/att-2/home")]
    others = [sleeper(f"{tmp_path}/work-2/home"), sleeper(str(work)), sleeper(f"/x{work}/home")]
    assert end_remains(work) == 2
    assert end_remains(work) == 0
    # Those that are our children were collected by it, which subprocess tells as 0.
    assert [process.poll() for process in others] == [None] * 3
    assert all(process.poll() in (0, -signal.SIGKILL) for process in ours)
