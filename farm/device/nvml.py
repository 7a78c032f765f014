"""NVIDIA's management library: driver version and live figures of cards. Absent on Jetson, partial on the newest ones.

Every figure is asked for on its own, and one that a card does not support is left out.
"""

from __future__ import annotations

import importlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

from .machine import Machine


@dataclass(frozen=True)
class _Figure:
    """A live figure: the call that tells it, the field of its answer (none: the answer itself) and the divisor."""

    name: str
    call: str
    arguments: Tuple[int, ...] = ()
    field: Optional[str] = None
    divisor: float = 1.0


_FIGURES = (
    _Figure("temperature_celsius", "nvmlDeviceGetTemperature", (0,)),
    _Figure("memory_used_bytes", "nvmlDeviceGetMemoryInfo", field="used"),
    _Figure("load_percent", "nvmlDeviceGetUtilizationRates", field="gpu"),
    _Figure("power_watts", "nvmlDeviceGetPowerUsage", divisor=1000.0),
    _Figure("clock_mhz", "nvmlDeviceGetClockInfo", (1,)),
    _Figure("memory_clock_mhz", "nvmlDeviceGetClockInfo", (2,)),
    _Figure("throttle_reasons", "nvmlDeviceGetCurrentClocksThrottleReasons"),
)


# The bits of `throttle_reasons`, as nvml.h names them.
_REASONS = (
    "idle",
    "application clocks",
    "software power cap",
    "hardware slowdown",
    "sync boost",
    "software thermal slowdown",
    "hardware thermal slowdown",
    "hardware power brake",
    "display clocks",
)


def throttle_reasons(found: Mapping[str, float]) -> List[str]:
    """Why any of the cards in `figures` does not run at its highest clock, in words."""
    masks = (int(value) for name, value in found.items() if name.endswith("_throttle_reasons"))
    bits = {bit for mask in masks for bit in range(len(_REASONS)) if mask >> bit & 1}
    return [_REASONS[bit] for bit in sorted(bits)]


@contextmanager
def opened(machine: Machine) -> Iterator[Optional[Any]]:
    """The library, initialised and shut down again; None where the package or the library is missing."""
    nvml = importlib.import_module("pynvml") if machine.module("pynvml") else None
    if nvml is None or not _initialised(nvml):
        yield None
        return
    try:
        yield nvml
    finally:
        nvml.nvmlShutdown()


def driver_version(machine: Machine) -> Optional[str]:
    """Such as `580.95.05`; None where the library cannot tell."""
    with opened(machine) as nvml:
        answer = ask(nvml, "nvmlSystemGetDriverVersion") if nvml else None
    # Old bindings speak bytes.
    return answer.decode() if isinstance(answer, bytes) else answer


def figures(nvml: Any, uuids: Sequence[str] = ()) -> Dict[str, float]:
    """Live figures of cards, such as `gpu0_temperature_celsius`; what a card does not support is left out.

    Args:
        nvml: The library.
        uuids: The cards in the order in which they are counted, which is not NVML's where some are hidden; none for
            all as NVML counts them.
    """
    found: Dict[str, float] = {}
    for index in range(len(uuids) or ask(nvml, "nvmlDeviceGetCount") or 0):
        card = card_of(nvml, uuids[index]) if uuids else ask(nvml, "nvmlDeviceGetHandleByIndex", index)
        for figure in _FIGURES if card is not None else ():
            answer = ask(nvml, figure.call, card, *figure.arguments)
            value = getattr(answer, figure.field, None) if figure.field else answer
            if value is not None:
                found[f"gpu{index}_{figure.name}"] = float(value) / figure.divisor
    return found


def ask(nvml: Any, call: str, *arguments: Any) -> Any:
    """The answer of one call, or None where this machine, its driver or the binding cannot say."""
    try:
        return getattr(nvml, call)(*arguments)
    except (nvml.NVMLError, AttributeError):
        return None


def card_of(nvml: Any, uuid: str) -> Any:
    """Its handle; None where the library does not know it."""
    # Old bindings want bytes.
    return ask(nvml, "nvmlDeviceGetHandleByUUID", uuid) or ask(nvml, "nvmlDeviceGetHandleByUUID", uuid.encode())


def _initialised(nvml: Any) -> bool:
    try:
        nvml.nvmlInit()
    except nvml.NVMLError:
        return False
    return True
