"""What was true of the machine before and after a measurement; never asked during it, since asking disturbs.

What a machine does not tell is left out: a virtual machine has no clocks to show, a Jetson no throttle counters.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, Dict, List, Optional

_ROOT = Path("/")
_CPUS = "sys/devices/system/cpu"


def collect(root: Path = _ROOT) -> Dict[str, Any]:
    """The state of the processor now.

    Args:
        root: Where `/proc` and `/sys` are found.

    Returns: Some of `load_1m`, `governor`, `frequency_mhz` (`least`, `mean`, `greatest`), `turbo`,
        `temperature_celsius` (by zone), `throttle_count` (events since boot), `stolen_ticks` (taken by the
        hypervisor since boot) and `preempted` (times this process was interrupted so far).
    """
    found = {
        "load_1m": _first_number(root / "proc/loadavg"),
        "governor": _governors(root),
        "frequency_mhz": _frequencies(root),
        "turbo": _turbo(root),
        "temperature_celsius": _temperatures(root),
        "throttle_count": _throttle_count(root),
        "stolen_ticks": _stolen_ticks(root),
        "preempted": _preempted(root),
    }
    return {name: value for name, value in found.items() if value not in (None, {}, "")}


def cores() -> int:
    """Logical processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> Optional[int]:
    text = _text(path)
    return int(text) if re.fullmatch(r"-?\d+", text) else None


def _numbers(paths: List[Path]) -> List[int]:
    return [number for number in map(_number, paths) if number is not None]


def _first_number(path: Path) -> Optional[float]:
    words = _text(path).split()
    return float(words[0]) if words else None


def _governors(root: Path) -> str:
    files = sorted((root / _CPUS).glob("cpu[0-9]*/cpufreq/scaling_governor"))
    return ", ".join(sorted({text for text in map(_text, files) if text}))


def _frequencies(root: Path) -> Dict[str, float]:
    kilohertz = _numbers(sorted((root / _CPUS).glob("cpu[0-9]*/cpufreq/scaling_cur_freq")))
    if not kilohertz:
        return {}
    return {
        "least": min(kilohertz) / 1e3,
        "mean": round(sum(kilohertz) / len(kilohertz) / 1e3, 3),
        "greatest": max(kilohertz) / 1e3,
    }


def _turbo(root: Path) -> Optional[bool]:
    off = _number(root / _CPUS / "intel_pstate/no_turbo")
    boost = _number(root / _CPUS / "cpufreq/boost")
    if off is not None:
        return off == 0
    return None if boost is None else boost == 1


def _temperatures(root: Path) -> Dict[str, float]:
    found: Dict[str, float] = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        millidegrees = _number(zone / "temp")
        if millidegrees is not None:
            found[f"{_text(zone / 'type') or 'zone'}-{zone.name[len('thermal_zone') :]}"] = millidegrees / 1e3
    return found


def _throttle_count(root: Path) -> Optional[int]:
    counts = _numbers(sorted((root / _CPUS).glob("cpu[0-9]*/thermal_throttle/core_throttle_count")))
    return sum(counts) if counts else None


def _stolen_ticks(root: Path) -> Optional[int]:
    words = _text(root / "proc/stat").partition("\n")[0].split()
    return int(words[8]) if len(words) > 8 and words[0] == "cpu" else None


def _preempted(root: Path) -> Optional[int]:
    match = re.search(r"^nonvoluntary_ctxt_switches:\s*(\d+)", _text(root / "proc/self/status"), re.MULTILINE)
    return int(match.group(1)) if match else None
