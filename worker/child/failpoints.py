"""Faults on purpose, at a named stage: how the tests of the farm's promises aim. Off unless `FARM_FAILPOINTS` is set.

`building=pause:6,publishing=pause:6` holds those stages for six seconds; `building=segv` crashes the process there;
`building=oom` allocates until something stops it; `building=hang` never goes on, whatever it is told.
"""

from __future__ import annotations

import ctypes
import logging
import signal
import time
from typing import Callable, Dict, List, Mapping

from farm.protocol.errors import Invalid
from farm.protocol.states import State

log = logging.getLogger(__name__)

_PIECE_BYTES = 64 << 20


def parse(text: str) -> Dict[State, str]:
    """Stage to fault.

    Raises: Invalid: a stage or a fault is unknown.
    """
    found = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        stage, _, fault = item.partition("=")
        name, _, seconds = fault.partition(":")
        known = name in _FAULTS and (name != "pause" or seconds.replace(".", "", 1).isdigit())
        if stage not in [str(state) for state in State] or not known:
            raise Invalid(f"FARM_FAILPOINTS: {item!r} is no fault", "Write such as building=pause:6 or building=segv.")
        found[State(stage)] = fault
    return found


class Failpoints:
    """Strikes when a stage begins, once for each time it begins.

    Args:
        faults: Of `parse`.
        wait: Sleeps for so many seconds, or less where the caller has a reason to go on.
    """

    def __init__(self, faults: Mapping[State, str], wait: Callable[[float], object] = time.sleep) -> None:
        self._faults = faults
        self._wait = wait

    def strike(self, state: State) -> None:
        """Do what was asked for at this stage; mostly nothing."""
        fault = self._faults.get(state)
        if fault is None:
            return
        log.warning("failpoint: %s at %s", fault, state)
        name, _, seconds = fault.partition(":")
        if name == "pause":
            self._wait(float(seconds))
        else:
            _FAULTS[name]()


def _crash() -> None:
    ctypes.string_at(0)


def _allocate() -> None:
    held: List[bytearray] = []
    while True:
        piece = bytearray(_PIECE_BYTES)
        # Written to, so that it is memory and not a promise of it.
        piece[::4096] = b"x" * len(piece[::4096])
        held.append(piece)


def _hang() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        time.sleep(3600)


_FAULTS: Dict[str, Callable[[], None]] = {"pause": lambda: None, "segv": _crash, "oom": _allocate, "hang": _hang}
