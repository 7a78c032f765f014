"""Who locks the clocks of a card, who may not, and that they are let go: NVIDIA's binding over a library of ours."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any, Callable

import pynvml
import pytest

from farm.device.clock_keeper import ClockKeeper, let_go
from farm.device.clocks import ClockOwner, NotLocked, lock, owner_from, release
from farm.protocol.errors import Invalid
from tests.support import fake_nvml
from tests.support.fake_nvml import CARD, calls

YES = ClockOwner(True)
SET, SET_MEMORY = "nvmlDeviceSetGpuLockedClocks", "nvmlDeviceSetMemoryLockedClocks"
RESET, RESET_MEMORY = "nvmlDeviceResetGpuLockedClocks", "nvmlDeviceResetMemoryLockedClocks"

Card = Callable[..., Path]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return fake_nvml.library(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def card(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Card:
    """Let the card be so, `NAME=VALUE`; where the calls are written down."""
    monkeypatch.setattr(pynvml, "nvmlLib", ctypes.CDLL(str(library)))
    monkeypatch.setattr(pynvml, "_nvmlGetFunctionPointer_cache", {})
    monkeypatch.setenv("FAKE_NVML_LOG", str(tmp_path / "calls"))

    def be(**told: int) -> Path:
        monkeypatch.setenv("FAKE_NVML", ",".join(f"{name}={value}" for name, value in told.items()))
        return tmp_path / "calls"

    return be


def test_both_clocks_are_locked_and_let_go_in_order(card: Card) -> None:
    log = card()
    assert lock(pynvml, CARD, YES) == {"graphics_mhz": 1410, "memory_mhz": 5001}
    assert release(pynvml, CARD) == []
    assert calls(log) == [f"{SET} 1410 1410 = 0", f"{SET_MEMORY} 5001 5001 = 0", f"{RESET} = 0", f"{RESET_MEMORY} = 0"]


def test_the_owner_names_a_frequency_and_else_the_card_is_asked(card: Card) -> None:
    log = card(nvmlDeviceGetDefaultApplicationsClock=3)
    assert lock(pynvml, CARD, ClockOwner(True, 1200))["graphics_mhz"] == 1200
    assert lock(pynvml, CARD, YES)["graphics_mhz"] == 1980, "without a rated clock, the highest"
    assert calls(log)[0] == f"{SET} 1200 1200 = 0"
    card(nvmlDeviceGetDefaultApplicationsClock=3, nvmlDeviceGetMaxClockInfo=3)
    with pytest.raises(NotLocked, match="set FARM_LOCK_CLOCKS to a frequency"):
        lock(pynvml, CARD, YES)


def test_a_card_without_a_lock_for_its_memory_is_locked_all_the_same(card: Card) -> None:
    card(**{SET_MEMORY: 3})
    assert lock(pynvml, CARD, YES) == {"graphics_mhz": 1410}


def test_without_the_right_it_says_so_and_leaves_nothing_locked(card: Card) -> None:
    log = card(**{SET: 4})
    with pytest.raises(NotLocked, match="may not set clocks: the worker has to run as root"):
        lock(pynvml, CARD, YES)
    assert calls(log) == [f"{SET} 1410 1410 = 4", f"{RESET} = 0", f"{RESET_MEMORY} = 0"]


@pytest.mark.parametrize(
    ("shared", "reason"),
    [({"mig": 1}, "divided"), ({"virtualization": 2}, "virtual"), ({"processes": 3}, "2 other processes")],
)
def test_a_card_that_others_use_is_never_touched(card: Card, shared: Any, reason: str) -> None:
    log = card(**shared)
    with pytest.raises(NotLocked, match=reason):
        lock(pynvml, CARD, YES)
    assert calls(log) == []


@pytest.mark.parametrize("uuid", ["", "GPU-1b2c3d4e-0000-1111-2222-333344445556", "MIG-1b2c3d4e", "../x"])
def test_a_card_that_the_driver_does_not_know_is_told(card: Card, uuid: str) -> None:
    log = card()
    with pytest.raises(NotLocked, match="knows no whole card"):
        lock(pynvml, uuid, YES)
    assert release(pynvml, uuid)
    assert calls(log) == []


def test_nobody_locks_what_the_owner_does_not_allow(card: Card, tmp_path: Path) -> None:
    log = card()
    keeper = ClockKeeper(ClockOwner(), CARD, tmp_path / "mark")
    told = keeper.lock()
    assert told["locked"] is False
    assert "FARM_LOCK_CLOCKS=yes does" in told["reason"]
    keeper.release()
    assert calls(log) == []


def test_a_mark_is_there_before_the_clocks_are_locked_and_until_they_are_free(card: Card, tmp_path: Path) -> None:
    log, mark = card(), tmp_path / "clocks" / "gpu0.json"
    keeper = ClockKeeper(YES, CARD, mark)
    assert keeper.lock() == {"locked": True, "graphics_mhz": 1410, "memory_mhz": 5001}
    assert CARD in mark.read_text()
    keeper.release()
    assert not mark.exists()
    keeper.release()
    assert [line.split()[0] for line in calls(log)] == [SET, SET_MEMORY, RESET, RESET_MEMORY]
    card(**{SET: 4})
    assert keeper.lock()["locked"] is False
    assert not mark.exists(), "nothing is locked"


def test_who_starts_after_a_crash_lets_go_what_was_left(card: Card, tmp_path: Path) -> None:
    log, mark = card(), tmp_path / "gpu0.json"
    ClockKeeper(YES, CARD, mark).lock()  # and then the process was killed
    let_go(mark)
    assert calls(log)[2:] == [f"{RESET} = 0", f"{RESET_MEMORY} = 0"]
    assert not mark.exists()
    let_go(mark)


def test_clocks_that_stay_locked_keep_their_mark(card: Card, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    card(**{RESET: 4})
    mark = tmp_path / "gpu0.json"
    ClockKeeper(YES, CARD, mark).lock()
    let_go(mark)
    assert mark.exists()
    assert "stay locked: this process may not set clocks" in caplog.text
    assert "nvidia-smi --reset-gpu-clocks" in caplog.text


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"uuid": "../../etc"}'])
def test_a_mark_that_names_no_card_is_told_and_touches_none(
    card: Card, tmp_path: Path, caplog: pytest.LogCaptureFixture, content: str
) -> None:
    log, mark = card(), tmp_path / "gpu0.json"
    mark.write_text(content)
    let_go(mark)
    assert calls(log) == []
    assert "nvidia-smi" in caplog.text


def test_what_the_owner_may_say() -> None:
    assert owner_from("") == owner_from("no") == ClockOwner()
    assert owner_from("Yes") == YES
    assert owner_from("1410") == ClockOwner(True, 1410)
    with pytest.raises(Invalid, match="FARM_LOCK_CLOCKS=perhaps"):
        owner_from("perhaps")
