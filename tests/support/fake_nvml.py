"""NVIDIA's own binding over a management library of our own: no call reaches a card."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

CARD = "GPU-1b2c3d4e-0000-1111-2222-333344445555"
_SOURCE = Path(__file__).with_name("fake_nvml.c")


def library(folder: Path) -> Path:
    """Compile the library into a folder, which a process finds by LD_LIBRARY_PATH."""
    compiler = shutil.which(os.environ.get("CC", "cc"))
    assert compiler, "there is no C compiler; install one"
    made = folder / "libnvidia-ml.so.1"
    command = [compiler, "-shared", "-fPIC", "-Wall", "-Werror", "-o", str(made), str(_SOURCE)]
    subprocess.run(command, check=True)
    return made


def calls(log: Path) -> list[str]:
    """What changed something, in its order: the call, its arguments and `= STATUS`."""
    return log.read_text().splitlines() if log.exists() else []
