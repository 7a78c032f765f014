from __future__ import annotations

from pathlib import Path
from typing import Any

from farm.protocol.codec import canonical
from farm.runtime.benchmark.evidence import collect, cores

FILES = {
    "proc/loadavg": "0.50 0.40 0.30 1/200 4711\n",
    "proc/stat": "cpu  1 2 3 4 5 6 7 88 9 10\ncpu0 0 0 0 0 0 0 0 0\n",
    "proc/self/status": "Name:\tx\nvoluntary_ctxt_switches:\t5\nnonvoluntary_ctxt_switches:\t12\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "performance\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "powersave\n",
    "sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "3000000\n",
    "sys/devices/system/cpu/cpu1/cpufreq/scaling_cur_freq": "1000000\n",
    "sys/devices/system/cpu/intel_pstate/no_turbo": "1\n",
    "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "3\n",
    "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count": "4\n",
    "sys/class/thermal/thermal_zone0/type": "x86_pkg_temp\n",
    "sys/class/thermal/thermal_zone0/temp": "54321\n",
    "sys/class/thermal/thermal_zone1/temp": "not a number\n",
}


def written(folder: Any, files: Any) -> Any:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_everything_a_machine_tells_is_collected(tmp_path: Path) -> None:
    assert collect(written(tmp_path, FILES)) == {
        "load_1m": 0.5,
        "governor": "performance, powersave",
        "frequency_mhz": {"least": 1000.0, "mean": 2000.0, "greatest": 3000.0},
        "turbo": False,
        "temperature_celsius": {"x86_pkg_temp-0": 54.321},
        "throttle_count": 7,
        "stolen_ticks": 88,
        "preempted": 12,
    }


def test_what_a_machine_does_not_tell_is_left_out(tmp_path: Path) -> None:
    assert collect(tmp_path) == {}
    assert collect(written(tmp_path, {"sys/devices/system/cpu/cpufreq/boost": "1"})) == {"turbo": True}


def test_this_machine_answers_with_plain_json() -> None:
    found = collect()
    assert canonical(found)
    assert found["load_1m"] >= 0
    assert cores() >= 1
    assert Path("/proc/self/status").exists() == ("preempted" in found)
