"""Whether a worker lives and is heard, told by a small file: what container engines and `farm worker health` ask."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Callable, Dict

from farm.protocol.errors import Unavailable

FILE = "vitals.json"
# As many heartbeats may be lost before a worker counts as unheard; the coordinator waits about as long.
_MISSED = 3
_LEAST_S = 30.0
_HINT = "Its log says what it waits for."


class Vitals:
    """The file of one worker.

    Args:
        folder: Data folder of the worker.
        now: A clock that all processes of this machine share and nobody sets.
    """

    def __init__(self, folder: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._path = folder / FILE
        self._now = now

    def note(self, heartbeat_s: float) -> None:
        """The coordinator just answered, and hears of us again after so long. Raises: OSError: a full disk."""
        part = self._path.with_suffix(".part")
        told = {"at": self._now(), "heartbeat_s": heartbeat_s, "pid": os.getpid()}
        part.write_text(json.dumps(told), encoding="ascii")
        os.replace(str(part), str(self._path))

    def check(self) -> float:
        """Seconds since the coordinator last answered.

        Raises: Unavailable: no worker runs on this data, or it has not been heard for too long.
        """
        told = self._read()
        ago_s = self._now() - told["at"]
        # From before the machine was started: the clock began anew.
        if ago_s < 0.0 or not Path(f"/proc/{int(told['pid'])}").exists():
            raise Unavailable(f"no worker runs on {self._path.parent}", "Start it: farm worker start.")
        if ago_s > max(_MISSED * told["heartbeat_s"], _LEAST_S):
            raise Unavailable(f"the coordinator has not answered this worker for {ago_s:.0f} s", _HINT)
        return ago_s

    def _read(self) -> Dict[str, float]:
        try:
            told = json.loads(self._path.read_text(encoding="ascii"))
            return {name: float(told[name]) for name in ("at", "heartbeat_s", "pid")}
        except OSError:
            raise Unavailable(f"no worker has enrolled from {self._path.parent} yet", _HINT) from None
        except (ValueError, KeyError, TypeError):
            raise Unavailable(f"{self._path} cannot be read", "Restart the worker, which writes it anew.") from None
