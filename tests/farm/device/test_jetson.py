from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Dict

import pytest

from farm.device.jetson import figures, probe_jetson
from farm.device.telemetry import sample

from .recorded_machine import RECORDED, machine_of, recorded


@pytest.fixture
def told() -> Dict[str, Any]:
    answer: Dict[str, Any] = json.loads((RECORDED / "xavier" / "machine.json").read_text())
    return answer


def test_a_machine_without_the_release_file_is_no_jetson() -> None:
    assert probe_jetson(recorded("v100")) is None


def test_jetpack_follows_from_l4t_where_no_package_tells(told: Dict[str, Any]) -> None:
    del told["commands"]["dpkg-query nvidia-jetpack"]
    jetson = probe_jetson(machine_of(RECORDED / "xavier", told))
    assert jetson is not None
    assert jetson.jetpack == "5.1.1"


def test_an_unknown_release_still_has_its_generation(tmp_path: Path, told: Dict[str, Any]) -> None:
    del told["commands"]["dpkg-query nvidia-jetpack"]
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/nv_tegra_release").write_text("# R36 (release), REVISION: 9.9, GCID: 1, BOARD: generic\n")
    jetson = probe_jetson(machine_of(tmp_path, told))
    assert jetson is not None
    assert (jetson.l4t, jetson.jetpack) == ("36.9.9", "6")


def test_power_mode_is_read_from_files_where_nvpmodel_needs_root(told: Dict[str, Any]) -> None:
    del told["commands"]["nvpmodel -q"]
    jetson = probe_jetson(machine_of(RECORDED / "xavier", told))
    assert jetson is not None
    assert jetson.power_mode == "MODE_15W"


def test_load_is_per_mille_and_clock_is_hertz() -> None:
    assert figures(recorded("xavier")) == {"gpu0_load_percent": 34.7, "gpu0_clock_mhz": 1377.0}


def test_a_load_that_cannot_be_read_is_left_out(tmp_path: Path, told: Dict[str, Any]) -> None:
    shutil.copytree(RECORDED / "xavier", tmp_path / "xavier")
    (tmp_path / "xavier/sys/class/devfreq/17000000.gv11b/device/load").unlink()
    assert figures(machine_of(tmp_path / "xavier", told)) == {"gpu0_clock_mhz": 1377.0}


def test_telemetry_of_a_jetson_ignores_the_constant_zone() -> None:
    assert sample(recorded("xavier")) == {
        "load_1m": 0.52,
        "memory_used_bytes": float((32695208 - 29382324) * 1024),
        "temperature_celsius": 43.0,
        "gpu0_load_percent": 34.7,
        "gpu0_clock_mhz": 1377.0,
    }


def test_telemetry_of_this_machine_is_plain_numbers() -> None:
    figures_here = sample()
    assert figures_here["memory_used_bytes"] > 0
    assert all(isinstance(value, float) for value in figures_here.values())
