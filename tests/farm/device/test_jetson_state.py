"""The evidence of a Jetson, from the files of a board that was written from documentation, not recorded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from farm.device.jetson_state import state
from farm.device.machine import Machine

from .recorded_machine import RECORDED, machine_of, recorded


@pytest.fixture
def board(tmp_path: Path) -> Path:
    """Its files, to be changed."""
    shutil.copytree(RECORDED / "xavier", tmp_path / "xavier")
    return tmp_path / "xavier"


def machine(board: Path) -> Machine:
    return machine_of(board, json.loads((board / "machine.json").read_text()))


def put(board: Path, name: str, text: str) -> None:
    (board / name).parent.mkdir(parents=True, exist_ok=True)
    (board / name).write_text(text + "\n")


def test_mode_clocks_rails_and_throttling_of_a_xavier() -> None:
    assert state(recorded("xavier")) == {
        "power_mode": "MAXN",
        "jetson_clocks": {"gpu": False, "cpu": True},
        "gpu_mhz": {"least": 318.75, "greatest": 1377.0},
        "cpu_mhz": {"least": 2265.6, "greatest": 2265.6},
        "rails_watts": {"GPU": 9.753, "CPU": 5.029, "SOC": 3.01},
        "overcurrent_events": 3,
    }


def test_after_jetson_clocks_each_unit_is_held(board: Path) -> None:
    put(board, "sys/class/devfreq/17000000.gv11b/min_freq", "1377000000")
    put(board, "sys/kernel/debug/bpmp/debug/clk/emc/mrq_rate_locked", "1")
    assert state(machine(board))["jetson_clocks"] == {"gpu": True, "cpu": True, "emc": True}


def test_jetpack_4_names_its_rails_otherwise(board: Path) -> None:
    shutil.rmtree(board / "sys/bus")
    old = "sys/bus/i2c/drivers/ina3221x/1-0040/iio:device0"
    put(board, f"{old}/rail_name_0", "GPU")
    put(board, f"{old}/in_power0_input", "1532")
    put(board, f"{old}/rail_name_1", "CPU")
    assert state(machine(board))["rails_watts"] == {"GPU": 1.532}


def test_what_cannot_be_read_is_left_out(board: Path) -> None:
    shutil.rmtree(board / "sys")
    assert state(machine(board)) == {"power_mode": "MAXN"}


@pytest.mark.parametrize("name", ["v100", "h200", "rtx4090"])
def test_no_other_machine_has_any(name: str) -> None:
    assert state(recorded(name)) == {}
