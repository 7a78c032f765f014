"""What a Jetson tells in files: board, L4T, JetPack, power mode, load. There is no NVML before JetPack 6."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Optional

from .machine import Machine

_JETPACKS = {
    "32.6.1": "4.6",
    "32.7.1": "4.6.1",
    "32.7.2": "4.6.2",
    "32.7.3": "4.6.3",
    "32.7.4": "4.6.4",
    "35.1.0": "5.0.2",
    "35.2.1": "5.1",
    "35.3.1": "5.1.1",
    "35.4.1": "5.1.2",
    "35.5.0": "5.1.3",
    "35.6.0": "5.1.4",
    "35.6.1": "5.1.5",
    "36.3.0": "6.0",
    "36.4.0": "6.1",
    "36.4.3": "6.2",
    "36.4.4": "6.2.1",
}
_GENERATIONS = {"32": "4", "34": "5", "35": "5", "36": "6", "38": "7", "39": "7"}

# Device-tree names of the integrated GPU, by generation from Parker to Thor.
_GPU_NODES = frozenset({"gp10b", "gv11b", "ga10b", "gb10b", "gpu"})


@dataclass(frozen=True)
class JetsonFacts:
    """A Jetson board.

    Attributes:
        l4t: Such as `35.3.1`.
        jetpack: Such as `5.1.1`; only the generation (`5`) where the release is not known.
        power_mode: Name of the `nvpmodel` mode.
    """

    board: str
    l4t: str
    jetpack: Optional[str]
    power_mode: Optional[str]


def probe_jetson(machine: Machine) -> Optional[JetsonFacts]:
    """The board, or None on a machine that is none."""
    release = re.search(r"# R(\d+) \(release\), REVISION: ([\d.]+)", machine.text("/etc/nv_tegra_release"))
    if release is None:
        return None
    l4t = f"{release.group(1)}.{release.group(2)}"
    return JetsonFacts(
        board=machine.text("/proc/device-tree/model") or "Jetson",
        l4t=l4t,
        jetpack=_jetpack(machine, l4t),
        power_mode=power_mode(machine),
    )


def figures(machine: Machine) -> Dict[str, float]:
    """Load and clock of the integrated GPU, as `gpu0_...`; empty where there is none."""
    folder = gpu_folder(machine)
    if folder is None:
        return {}
    load, clock = machine.text(f"{folder}/device/load"), machine.text(f"{folder}/cur_freq")
    found = {"gpu0_load_percent": int(load) / 10} if load.isdigit() else {}
    return {**found, "gpu0_clock_mhz": int(clock) / 1e6} if clock.isdigit() else found


def gpu_folder(machine: Machine) -> Optional[str]:
    """Where the clock of the integrated GPU is set; None where there is none."""
    for name in machine.glob("/sys/class/devfreq/*/device/of_node/name"):
        if machine.text(name) in _GPU_NODES:
            return name.split("/device/")[0]
    return None


def _jetpack(machine: Machine, l4t: str) -> Optional[str]:
    # The package is there only where JetPack was installed through apt; it is exact where it is.
    package = machine.output("dpkg-query", "--show", "--showformat=${Version}", "nvidia-jetpack")
    if re.match(r"\d", package):
        return package.partition("-")[0]
    return _JETPACKS.get(l4t) or _GENERATIONS.get(l4t.partition(".")[0])


def power_mode(machine: Machine) -> Optional[str]:
    """Name of the `nvpmodel` mode; None where nothing tells it."""
    told = re.search(r"NV Power Mode:\s*(\S+)", machine.output("nvpmodel", "-q"))
    if told:
        return told.group(1)
    # Asking needs root on some releases; the service leaves its choice in a file and the names in its configuration.
    status = re.search(r"pmode:(\d+)", machine.text("/var/lib/nvpmodel/status"))
    if status is None:
        return None
    number = int(status.group(1))
    name = re.search(rf"POWER_MODEL ID={number} NAME=(\S+)", machine.text("/etc/nvpmodel.conf"))
    return name.group(1) if name else str(number)
