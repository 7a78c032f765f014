"""Keeps the clocks of one card locked while something is measured, and remembers on the disk that they are."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Dict, Optional

from . import nvml
from .clocks import VARIABLE, ClockOwner, NotLocked, is_card, lock, release
from .machine import Machine

log = logging.getLogger(__name__)

_BY_HAND = "run nvidia-smi --reset-gpu-clocks and --reset-memory-clocks by hand"


class ClockKeeper:
    """The clocks of one card.

    Args:
        owner: What is allowed.
        uuid: Of the card, as the driver spells it; None where nothing runs on a card.
        mark: A file that exists while the clocks are locked: whoever starts after a crash finds it; see `let_go`.
    """

    def __init__(self, owner: ClockOwner, uuid: Optional[str], mark: Path, machine: Optional[Machine] = None) -> None:
        self._owner = owner
        self._uuid = uuid
        self._mark = mark
        self._machine = machine or Machine()

    def lock(self) -> Dict[str, Any]:
        """Lock them, if that is allowed and can be done: `locked`, and to what, or the `reason` why not."""
        try:
            return {"locked": True, **self._locked()}
        except NotLocked as error:
            log.info("the clocks are not locked: %s", error)
            return {"locked": False, "reason": str(error)}

    def release(self) -> None:
        """Let them go, if they are locked."""
        let_go(self._mark, self._machine)

    def _locked(self) -> Dict[str, Any]:
        if not self._owner.allows:
            raise NotLocked(f"the owner of the device does not allow it; {VARIABLE}=yes does")
        if self._uuid is None:
            raise NotLocked("there is no card whose clocks could be locked")
        with nvml.opened(self._machine) as library:
            if library is None:
                raise NotLocked("NVIDIA's management library or its package nvidia-ml-py is not here")
            # First, so that no crash comes between.
            self._mark.parent.mkdir(parents=True, exist_ok=True)
            self._mark.write_text(json.dumps({"uuid": self._uuid}), encoding="utf-8")
            try:
                told = lock(library, self._uuid, self._owner)
            except NotLocked:
                self._mark.unlink()
                raise
        log.info("the clocks are locked: %s", told)
        return told


def let_go(mark: Path, machine: Optional[Machine] = None) -> None:
    """Let the clocks go that a mark says are locked. The mark stays where that fails, and the log says what to do."""
    try:
        uuid = str(json.loads(mark.read_text(encoding="utf-8"))["uuid"])
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError) as error:
        log.error("clocks of a card may be locked, but %s cannot be read: %s; %s", mark, error, _BY_HAND)
        return
    if not is_card(uuid):
        log.error("%s names no card; %s", mark, _BY_HAND)
        return
    with nvml.opened(machine or Machine()) as library:
        failed = ["its management library is not here"] if library is None else release(library, uuid)
    if failed:
        log.error("the clocks of %s stay locked: %s; %s", uuid, "; ".join(failed), _BY_HAND)
        return
    mark.unlink()
    log.info("the clocks of %s are free again", uuid)
