"""What a Jetson tells, in files, of its clocks and its power: where NVML is silent, the evidence of a measurement.

The same figures that `nvpmodel -q`, `jetson_clocks --show` and `tegrastats` print, without root and without a process
that runs meanwhile. Written from NVIDIA's documentation of Jetson Linux 32 to 36, not run on hardware.
"""

from __future__ import annotations

from typing import Any, Dict, Optional, Sequence

from .jetson import gpu_folder, power_mode
from .machine import Machine

_EMC_LOCK = "/sys/kernel/debug/bpmp/debug/clk/emc/mrq_rate_locked"
_CPUS = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq"


def state(machine: Machine) -> Dict[str, Any]:
    """The board now; empty on a machine that is none, and without what this release does not tell.

    Returns: Some of `power_mode`, `jetson_clocks` (by unit, whether its clock is held at one frequency), `gpu_mhz` and
        `cpu_mhz` (`least` and `greatest` that are allowed), `rails_watts` (by the name of the rail) and
        `overcurrent_events` (throttled for current or voltage since boot).
    """
    if not machine.text("/etc/nv_tegra_release"):
        return {}
    gpu, cpu = _gpu(machine), _cpu(machine)
    found = {
        "power_mode": power_mode(machine),
        "jetson_clocks": _held(gpu, cpu, machine.text(_EMC_LOCK)),
        "gpu_mhz": gpu,
        "cpu_mhz": cpu,
        "rails_watts": {**_rails(machine), **_old_rails(machine)},
        "overcurrent_events": _overcurrent(machine),
    }
    return {name: value for name, value in found.items() if value not in (None, {})}


def _held(gpu: Dict[str, float], cpu: Dict[str, float], emc: str) -> Dict[str, bool]:
    held = {name: span["least"] == span["greatest"] for name, span in (("gpu", gpu), ("cpu", cpu)) if span}
    # Only root may look.
    return {**held, **({"emc": emc == "1"} if emc else {})}


def _gpu(machine: Machine) -> Dict[str, float]:
    folder = gpu_folder(machine)
    if folder is None:
        return {}
    return _span(*(_numbers(machine, [f"{folder}/{name}"], 1e6) for name in ("min_freq", "max_freq")))


def _cpu(machine: Machine) -> Dict[str, float]:
    lows, highs = (machine.glob(f"{_CPUS}/scaling_{name}_freq") for name in ("min", "max"))
    return _span(_numbers(machine, lows, 1e3), _numbers(machine, highs, 1e3))


def _span(lows: Sequence[float], highs: Sequence[float]) -> Dict[str, float]:
    return {"least": min(lows), "greatest": max(highs)} if lows and highs else {}


def _rails(machine: Machine) -> Dict[str, float]:
    """From JetPack 5 on: a name, millivolts and milliamperes for each channel of the power monitors."""
    found = {}
    for label in machine.glob("/sys/bus/i2c/drivers/ina3221/*/hwmon/hwmon*/in*_label"):
        folder, _, file = label.rpartition("/")
        channel = file[len("in") : -len("_label")]
        volts = _number(machine, f"{folder}/in{channel}_input", 1e3)
        amperes = _number(machine, f"{folder}/curr{channel}_input", 1e3)
        # The sum of the others has no current of its own.
        if volts is not None and amperes is not None:
            found[machine.text(label)] = round(volts * amperes, 3)
    return found


def _old_rails(machine: Machine) -> Dict[str, float]:
    """Up to JetPack 4: a name and milliwatts."""
    found = {}
    for label in machine.glob("/sys/bus/i2c/drivers/ina3221x/*/iio:device*/rail_name_*"):
        folder, _, file = label.rpartition("/")
        watts = _number(machine, f"{folder}/in_power{file[len('rail_name_') :]}_input", 1e3)
        if watts is not None:
            found[machine.text(label)] = round(watts, 3)
    return found


def _overcurrent(machine: Machine) -> Optional[int]:
    counts = _numbers(machine, machine.glob("/sys/class/hwmon/hwmon*/oc*_event_cnt"), 1)
    return int(sum(counts)) if counts else None


def _number(machine: Machine, name: str, divisor: float) -> Optional[float]:
    text = machine.text(name)
    return int(text) / divisor if text.isdigit() else None


def _numbers(machine: Machine, names: Sequence[str], divisor: float) -> Sequence[float]:
    found = (_number(machine, name, divisor) for name in names)
    return [number for number in found if number is not None]
