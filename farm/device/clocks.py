"""Locks the clocks of a card through NVIDIA's management library, and lets them go again.

Only where the owner of the machine allows it, and never on a card that somebody else uses too: a locked clock is a
setting of the whole card, and stays when the process that set it is killed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Dict, List, Optional

from farm.protocol.errors import Invalid

from .nvml import ask, card_of

VARIABLE = "FARM_LOCK_CLOCKS"
_GRAPHICS, _SM, _MEMORY = 0, 1, 2
# Of nvml.h: no hypervisor, or one that hands the whole card through.
_WHOLE = frozenset((0, 1))
_UUID = re.compile(r"GPU-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NO_PERMISSION = 4


@dataclass(frozen=True)
class ClockOwner:
    """What the owner of a machine allows.

    Attributes:
        graphics_mhz: Where to lock; None: what the card is rated for.
    """

    allows: bool = False
    graphics_mhz: Optional[int] = None


class NotLocked(Exception):
    """Raised with the reason, one clause, when the clocks of a card are not to be locked or cannot be."""


def owner_from(text: str) -> ClockOwner:
    """What `FARM_LOCK_CLOCKS` says: `yes`, a frequency in MHz, or `no`, as without it.

    Raises: Invalid
    """
    word = text.strip().lower()
    if word in ("", "no", "0"):
        return ClockOwner()
    if word == "yes":
        return ClockOwner(True)
    if word.isdigit():
        return ClockOwner(True, int(word))
    raise Invalid(f"{VARIABLE}={text} is neither yes, no nor a frequency in MHz", "Set it anew or unset it.")


def is_card(uuid: str) -> bool:
    """It is the name of a whole card, as the driver spells it."""
    return bool(_UUID.fullmatch(uuid))


def lock(nvml: Any, uuid: str, owner: ClockOwner) -> Dict[str, Any]:
    """Lock the clocks of a card; what they are locked to, `graphics_mhz` and where the card can `memory_mhz`.

    Raises: NotLocked: it is shared, or the driver refuses. Nothing stays locked then.
    """
    card = _card(nvml, uuid)
    _check_alone(nvml, card)
    graphics = owner.graphics_mhz or ask(nvml, "nvmlDeviceGetDefaultApplicationsClock", card, _GRAPHICS)
    graphics = graphics or ask(nvml, "nvmlDeviceGetMaxClockInfo", card, _SM)
    if not graphics:
        raise NotLocked(f"the card does not tell its clocks; set {VARIABLE} to a frequency in MHz")
    try:
        nvml.nvmlDeviceSetGpuLockedClocks(card, graphics, graphics)
    except (nvml.NVMLError, AttributeError) as error:
        release(nvml, uuid)
        raise NotLocked(_refusal(error)) from error
    told = {"graphics_mhz": graphics}
    memory = ask(nvml, "nvmlDeviceGetMaxClockInfo", card, _MEMORY)
    try:
        nvml.nvmlDeviceSetMemoryLockedClocks(card, memory, memory)
    except (nvml.NVMLError, AttributeError, TypeError):
        # Before Ampere there is no such setting, and the memory runs at one clock under load anyway.
        return told
    return {**told, "memory_mhz": memory}


def release(nvml: Any, uuid: str) -> List[str]:
    """Let the clocks of a card go, all of them whatever fails; what failed, one clause each."""
    try:
        card = _card(nvml, uuid)
    except NotLocked as error:
        return [str(error)]
    failed = []
    try:
        nvml.nvmlDeviceResetGpuLockedClocks(card)
    except (nvml.NVMLError, AttributeError) as error:
        failed.append(_refusal(error))
    # Fails on every card that cannot lock it.
    ask(nvml, "nvmlDeviceResetMemoryLockedClocks", card)
    return failed


def _card(nvml: Any, uuid: str) -> Any:
    card = card_of(nvml, uuid) if is_card(uuid) else None
    if card is None:
        raise NotLocked(f"the driver knows no whole card {uuid or 'here'}")
    return card


def _check_alone(nvml: Any, card: Any) -> None:
    """Raises: NotLocked: others use this card, or may."""
    mode = ask(nvml, "nvmlDeviceGetMigMode", card)
    if mode is not None and any(mode):
        raise NotLocked("the card is divided (MIG), and its clocks are those of all its parts")
    if ask(nvml, "nvmlDeviceGetVirtualizationMode", card) not in (None, *_WHOLE):
        raise NotLocked("the card is a virtual one, and its clocks are those of all who share it")
    users = ask(nvml, "nvmlDeviceGetComputeRunningProcesses", card)
    # The build itself is one of them.
    if users is not None and len(users) > 1:
        raise NotLocked(f"{len(users) - 1} other processes use the card")


def _refusal(error: Exception) -> str:
    if isinstance(error, AttributeError):
        return "this version of nvidia-ml-py cannot set clocks"
    if getattr(error, "value", None) == _NO_PERMISSION:
        return "this process may not set clocks: the worker has to run as root, with CAP_SYS_ADMIN"
    return f"the driver refuses: {error}"
