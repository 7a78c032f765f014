"""The units, asked of systemd's own tools; none of this needs systemd to run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.settings import from_env
from tests.support.programs import needed

UNITS = Path(__file__).parents[2] / "deploy/systemd"
# From 0 (nothing may be done) to 100; what systemd calls OK ends at 4.9.
EXPOSURE = {"farm-coordinator.service": 15, "farm-worker@.service": 25}


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units with the command of this environment, since theirs is not installed here."""
    command = Path(sys.executable).with_name("farm")
    for name in EXPOSURE:
        text = (UNITS / name).read_text()
        assert "ExecStart=/opt/farm/bin/farm " in text
        (tmp_path / name).write_text(text.replace("/opt/farm/bin/farm", str(command)))
    return tmp_path


def analyze(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    program = needed("systemd-analyze", "systemd")
    environ = {**os.environ, "SYSTEMD_COLORS": "0", "SYSTEMD_UNIT_PATH": f"{folder}:"}
    return subprocess.run([program, *arguments], cwd=folder, env=environ, capture_output=True, text=True)


def test_each_line_of_the_units_is_one_that_systemd_knows(units: Path) -> None:
    told = analyze("verify", "--man=no", "./farm-coordinator.service", "./farm-worker@xavier.service", folder=units)
    assert [line for line in told.stderr.splitlines() if "farm-" in line] == []
    assert told.returncode == 0


def test_a_mistake_in_a_unit_is_seen(units: Path) -> None:
    path = units / "farm-coordinator.service"
    path.write_text(path.read_text().replace("NoNewPrivileges=yes", "NoNewPrivilege=yes"))
    assert "NoNewPrivilege" in analyze("verify", "--man=no", f"./{path.name}", folder=units).stderr


@pytest.mark.parametrize("name", EXPOSURE)
def test_they_may_do_little(units: Path, name: str) -> None:
    told = analyze(
        "security", "--offline=yes", "--no-pager", f"--threshold={EXPOSURE[name]}", f"./{name}", folder=units
    )
    assert told.returncode == 0, told.stdout[-3000:]


def test_what_they_set_is_what_the_programs_read() -> None:
    coordinator = (UNITS / "farm-coordinator.service").read_text()
    told = dict(re.findall(r"(FARM_\w+)=(\S+)", coordinator))
    assert from_env({**told, "HOME": "/nowhere"}).unknown == ()
    assert set(told) == {"FARM_DATA"}
    worker = set(re.findall(r"(FARM_\w+)=", (UNITS / "farm-worker@.service").read_text()))
    assert worker == {"FARM_WORKER_DATA", "FARM_WORKER_NAME"}
