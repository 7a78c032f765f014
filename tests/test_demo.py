"""`make demo`, with the environment of the tests: the whole way of a model, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[1]
_PATIENCE_S = 300.0

pytestmark = pytest.mark.slow


def test_the_demo_ends_well_and_leaves_nothing(tmp_path: Path) -> None:
    environ = {**os.environ, "VENV": sys.prefix, "TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = ["bash", "deploy/demo.sh"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=_PATIENCE_S)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    # What it measured, what it fetched, and one inference through that.
    for word in ("passed", "cv ", "manifest.json", "stateN", "Done; stopping everything."):
        assert word in done.stdout, done.stdout[-3000:]
    assert "Traceback" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []
    left = [item.pid for item in psutil.process_iter(["cmdline"]) if str(tmp_path) in str(item.info["cmdline"])]
    assert left == []
