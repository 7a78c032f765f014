"""Holds a lease. A call is always open at the coordinator: a cancel arrives at once, with or without a broker."""

from __future__ import annotations

import logging
import threading
from typing import Callable

from farm.client.transport import Broken
from farm.protocol.errors import FarmError, LeaseLost, Unavailable
from worker.coordinator import LeaseLine

log = logging.getLogger(__name__)

_PAUSE_S = 0.3


class Holder:
    """Beats from entering the block to leaving it.

    Args:
        line: Of the lease.
        cancelled: Called once with the reason when the coordinator wants the work to end.
        lost: Called once when the lease is somebody else's.
    """

    def __init__(self, line: LeaseLine, cancelled: Callable[[str], None], lost: Callable[[], None]) -> None:
        self._line = line
        self._cancelled = cancelled
        self._lost = lost
        self._over = threading.Event()
        # A third of the lease, so that one lost beat costs nothing.
        self._wait_s = line.lease.ttl_s / 3
        # Not joined: its last call is answered when the lease ends, or runs out.
        self._thread = threading.Thread(target=self._run, name=f"hold-{line.lease.attempt}", daemon=True)

    def __enter__(self) -> Holder:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                told = self._line.beat(self._wait_s)
            except (Broken, Unavailable) as error:
                log.debug("a beat of %s broke: %s", self._line.lease.attempt, error)
                self._over.wait(_PAUSE_S)
                continue
            except LeaseLost:
                if not self._over.is_set():
                    self._lost()
                return
            except FarmError as error:
                log.error("the coordinator refuses beats of %s: %s", self._line.lease.attempt, error)
                self._over.wait(self._wait_s)
                continue
            if told.cancel and not self._over.is_set():
                self._cancelled(told.reason)
                return
