"""Programs as processes: what they write as they write it, and their end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import List

import pytest

from farm.protocol.errors import BuildFailed
from farm.runtime.process import ending, run_program

ROOT = Path(__file__).parents[3]


def shell(script: str) -> List[str]:
    return ["/bin/sh", "-c", script]


def test_lines_of_both_outputs_come_in_their_order(tmp_path: Path) -> None:
    heard: List[str] = []
    assert run_program(shell("echo one; echo two >&2; printf three"), tmp_path, heard.append) == 0
    assert heard == ["one", "two", "three"]


def test_lines_come_while_it_runs(tmp_path: Path) -> None:
    waiting = tmp_path / "heard"
    script = f"echo first; while [ ! -e {waiting} ]; do sleep 0.01; done; echo last"
    heard: List[str] = []

    def hear(line: str) -> None:
        heard.append(line)
        waiting.touch()

    assert run_program(shell(script), tmp_path, hear) == 0
    assert heard == ["first", "last"]


def test_it_runs_in_its_folder_and_tells_its_status(tmp_path: Path) -> None:
    heard: List[str] = []
    assert run_program(shell("pwd; exit 3"), tmp_path, heard.append) == 3
    assert heard == [str(tmp_path)]


@pytest.mark.parametrize(("status", "told"), [(0, None), (3, "status 3"), (-6, "SIGABRT"), (-9, "SIGKILL")])
def test_an_ending_has_a_name(status: int, told: str) -> None:
    assert ending(status) == told


def test_a_signal_is_told(tmp_path: Path) -> None:
    assert run_program(shell("kill -SEGV $$"), tmp_path, lambda line: None) == -signal.SIGSEGV


def test_a_program_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match="no-such-program does not start"):
        run_program(["/no-such-program"], tmp_path, lambda line: None)


def test_an_error_of_the_listener_ends_the_program(tmp_path: Path) -> None:
    pids: List[int] = []

    def hear(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_program(shell("echo $$; exec sleep 60"), tmp_path, hear)
    assert not Path(f"/proc/{pids[0]}").exists()


def test_it_does_not_outlive_who_started_it(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from farm.runtime.process import run_program\n"
        "run_program(['/bin/sh', '-c', 'echo $$; exec sleep 60'], Path('.'), lambda line: print(line, flush=True))"
    )
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    starter = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=str(tmp_path), env=environ)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + 10
    while _runs(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        # Who collects orphans may take its time: an ended process is one that runs no more.
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
