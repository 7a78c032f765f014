from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any, Tuple

import pytest

from farm.device import nvml
from farm.device.machine import Machine


class Refused(Exception):
    """What the binding raises for everything that a machine does not support."""


class Library:
    """Answers as an H200 with driver 580.159.04 did; `lacks` names calls that this card does not support."""

    NVMLError = Refused

    def __init__(self, *lacks: str, bytes_driver: bool = False) -> None:
        self._lacks = lacks
        self._bytes_driver = bytes_driver
        self.open = 0

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("nvml") and name in object.__getattribute__(self, "_lacks"):
            raise Refused(name)
        return object.__getattribute__(self, name)

    def nvmlInit(self) -> None:  # noqa: N802 - the library's own names
        self.open += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.open -= 1

    def nvmlSystemGetDriverVersion(self) -> Any:  # noqa: N802
        return b"580.159.04" if self._bytes_driver else "580.159.04"

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return 1

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Tuple[str, int]:  # noqa: N802
        return ("card", index)

    def nvmlDeviceGetHandleByUUID(self, uuid: object) -> Tuple[str, int]:  # noqa: N802
        if uuid != b"GPU-1":
            raise Refused(uuid)
        return ("card", 1)

    def nvmlDeviceGetTemperature(self, card: Any, sensor: int) -> int:  # noqa: N802
        return 38 + int(card[1])

    def nvmlDeviceGetMemoryInfo(self, card: Any) -> Any:  # noqa: N802
        return SimpleNamespace(total=150754820096, used=644939776)

    def nvmlDeviceGetPowerUsage(self, card: Any) -> int:  # noqa: N802
        return 79160

    def nvmlDeviceGetClockInfo(self, card: Any, domain: int) -> int:  # noqa: N802
        return {1: 345, 2: 3201}[domain]


def test_a_figure_that_the_binding_or_the_card_lacks_is_left_out() -> None:
    assert nvml.figures(Library("nvmlDeviceGetTemperature")) == {
        "gpu0_memory_used_bytes": 644939776.0,
        "gpu0_power_watts": 79.16,
        "gpu0_clock_mhz": 345.0,
        "gpu0_memory_clock_mhz": 3201.0,
    }


def test_a_card_that_cannot_be_opened_has_no_figures() -> None:
    assert nvml.figures(Library("nvmlDeviceGetHandleByIndex")) == {}
    assert nvml.figures(Library("nvmlDeviceGetCount")) == {}


def test_cards_are_counted_as_the_process_sees_them() -> None:
    found = nvml.figures(Library(), ["GPU-2", "GPU-1"])
    assert found["gpu1_temperature_celsius"] == 39.0, "old bindings take bytes"
    assert not any(name.startswith("gpu0_") for name in found), "what the library does not know has no figures"


def test_old_bindings_speak_bytes_and_the_library_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    library = Library(bytes_driver=True)
    monkeypatch.setitem(sys.modules, "pynvml", library)
    assert nvml.driver_version(Machine(module=lambda name: True)) == "580.159.04"
    assert library.open == 0


def test_without_a_driver_there_is_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Library("nvmlInit"))
    assert nvml.driver_version(Machine(module=lambda name: True)) is None


def test_throttle_reasons_are_words() -> None:
    found = {"gpu0_throttle_reasons": float(0x4), "gpu1_throttle_reasons": float(0x48), "gpu0_clock_mhz": 1980.0}
    assert nvml.throttle_reasons(found) == ["software power cap", "hardware slowdown", "hardware thermal slowdown"]
    assert nvml.throttle_reasons({}) == []
