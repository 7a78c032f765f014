"""What a child learns of its worker: where programs are, its limits, and no secret."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .case import MODULE, Make

ROOT = Path(__file__).parents[3]


def test_a_child_learns_where_programs_are_and_nothing_of_ours(make: Make) -> None:
    case = make("look")
    assert case.run().status == 0
    seen = case.read("seen.json")
    assert "farm_secret" not in json.dumps(seen)
    assert {name for name in seen["environ"] if name.startswith("FARM_")} == {
        "FARM_CHILD_STAGES",
        "FARM_CHILD_LIFELINE",
        "FARM_CHILD_PARENT",
    }
    assert seen["environ"]["OMP_NUM_THREADS"] == "2"
    assert seen["environ"]["HOME"].startswith(str(case.workspace))
    opened = sorted(seen["descriptors"].values())
    assert len(opened) == 5
    assert opened[0] == "/dev/null"
    assert opened[1].endswith("cpu0.lock")
    assert all(name.startswith("pipe:") for name in opened[2:])


def test_a_child_learns_its_limit_of_memory(make: Make) -> None:
    case = make("look", memory_bytes=400 << 20)
    case.run()
    assert case.read("seen.json")["environ"]["FARM_CHILD_MEMORY_BYTES"] == str(400 << 20)


@pytest.mark.parametrize("capable", [True, False], ids=["as it is", "without capabilities"])
def test_a_hidden_worker_keeps_its_secrets_from_its_children(tmp_path: Path, capable: bool) -> None:
    """Also where the tests, and so the worker and its child, run as root."""
    give_up = "import ctypes; [ctypes.CDLL(None).prctl(24, right, 0, 0, 0) for right in range(64)]\n"
    code = (
        "import os, sys, json\n"
        "from pathlib import Path\n"
        "from farm.hiding import hide\n"
        "from worker.child.isolate import Child, Limits\n"
        f"{'' if capable else give_up}"
        "hide()\n"
        "lock = os.open('lock', os.O_CREAT | os.O_RDWR)\n"
        f"child = Child('{MODULE}', Path.cwd(), Limits(60), lock, {{'PATH': '/bin'}}, print, print)\n"
        "child.start()\n"
        "sys.exit(child.wait().status)\n"
    )
    (tmp_path / "spec.json").write_text('"look"')
    environ = {"FARM_TOKEN": "farm_secret", "PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
    subprocess.run([sys.executable, "-c", code], cwd=str(tmp_path), env=environ, check=True)
    seen = json.loads((tmp_path / "seen.json").read_text())
    assert seen["parent"] == dict.fromkeys(("environ", "mem", "maps"), "PermissionError")
    assert not int(seen["bounding"], 16) >> 19 & 1 or os.geteuid() != 0
