"""Live figures for heartbeats, as plain numbers by name. What this machine cannot tell is left out."""

from __future__ import annotations

from typing import Dict, Optional, Sequence

from . import jetson, nvml
from .machine import Machine
from .system import meminfo_bytes

# Reports a constant 100 °C on Jetson boards: it is a trip point, not a reading.
_FALSE_ZONES = frozenset({"PMIC-Die"})


def sample(machine: Optional[Machine] = None, uuids: Sequence[str] = ()) -> Dict[str, float]:
    """Load, memory and temperature of the machine, and `gpu<n>_...` for each card.

    Takes a few hundred milliseconds on a card without persistence mode, and wakes it: never during a measurement.

    Args:
        machine: This one by default.
        uuids: Which cards, `gpu0` first; all of the machine where none is given.
    """
    here = machine or Machine()
    found = {**_system(here), **jetson.figures(here)}
    with nvml.opened(here) as library:
        if library is not None:
            found.update(nvml.figures(library, uuids))
    return found


def _system(machine: Machine) -> Dict[str, float]:
    found: Dict[str, float] = {}
    load = machine.text("/proc/loadavg").split()
    if load:
        found["load_1m"] = float(load[0])
    total, available = meminfo_bytes(machine, "MemTotal"), meminfo_bytes(machine, "MemAvailable")
    if total and available:
        found["memory_used_bytes"] = float(total - available)
    hottest = _hottest_celsius(machine)
    if hottest is not None:
        found["temperature_celsius"] = hottest
    return found


def _hottest_celsius(machine: Machine) -> Optional[float]:
    readings = []
    for name in machine.glob("/sys/class/thermal/thermal_zone*/temp"):
        zone = machine.text(name[: -len("temp")] + "type")
        reading = machine.text(name)
        if zone not in _FALSE_ZONES and reading.isdigit():
            readings.append(int(reading) / 1000)
    return max(readings, default=None)
