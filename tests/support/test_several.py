"""A run of several processes reports as one process would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TESTS = """
from tests.support.tried import expect, tried

expect("numbers", "nothing passed")
expect("letters", "nothing passed")


def test_it(broker_url):
    tried("numbers", "{number}")
"""


def test_the_report_has_what_each_process_tried_and_the_servers_of_each(tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"test_{number}.py").write_text(TESTS.format(number=number))
    several = ["-n", "2", "--dist", "loadfile"]
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "tests.conftest",
        *several,
        f"--rootdir={tmp_path}",
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "numbers: 2 tried (1, 2)" in done.stdout
    assert "letters: NONE tried (nothing passed)" in done.stdout
    (brokers,) = (line for line in done.stdout.splitlines() if line.startswith("broker: "))
    assert brokers.count("process") == 2
