"""A thread between the coordinator's requests and a broker that may be slow, down or gone."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from farm.protocol.errors import FarmError, Unavailable
from farm.protocol.wakeup import EXPIRES_S
from orchestrator.services.wakeup_port import WakeupCounts

CAPACITY = 10_000
CHECK_S = 2.0
_FIRST_PAUSE_S = 0.2
_LONGEST_PAUSE_S = 5.0

log = logging.getLogger("farm.queue")

Wakeup = tuple[str, str]


class Outbox:
    """Sends wake-ups in order, each at least tried until it is too old to be worth it.

    Args:
        send: Hands one wake-up to the broker; `Unavailable` means that it may be tried again.
        check: Called every `CHECK_S` seconds and soon after a nudge; raises as `send` does.
    """

    def __init__(self, send: Callable[[str, str], None], check: Callable[[], None]) -> None:
        self._send = send
        self._check = check
        self._changed = threading.Condition()
        self._waiting: dict[Wakeup, float] = {}
        self._check_due = 0.0
        self._closed = threading.Event()
        self._up = False
        self._sent = 0
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="farm-outbox", daemon=True)
        self._thread.start()

    def put(self, device: str, build_id: str) -> None:
        """Queue a wake-up and return; the same one that still waits is not doubled, the oldest makes room."""
        with self._changed:
            self._waiting.setdefault((device, build_id), time.monotonic())
            if len(self._waiting) > CAPACITY:
                del self._waiting[next(iter(self._waiting))]
                self._lost += 1
            self._changed.notify()

    def drop(self, device: str) -> None:
        """Forget what waits for a device."""
        with self._changed:
            self._waiting = {wakeup: put for wakeup, put in self._waiting.items() if wakeup[0] != device}

    def nudge(self) -> None:
        """Have `check` called soon."""
        with self._changed:
            self._check_due = 0.0
            self._changed.notify()

    def healthy(self) -> bool:
        """True when the broker answered the last time it was asked, at most seconds ago."""
        return self._up

    def counts(self) -> WakeupCounts:
        """What was sent, what was given up, what waits."""
        with self._changed:
            return WakeupCounts(self._sent, self._lost, len(self._waiting))

    def close(self, timeout_s: float = 5.0) -> None:
        """Stop the thread; what waits is lost, which the reconciler expects."""
        with self._changed:
            self._closed.set()
            self._changed.notify()
        self._thread.join(timeout_s)

    def _run(self) -> None:
        pause_s = _FIRST_PAUSE_S
        while not self._closed.is_set():
            wakeup = self._next()
            if self._closed.is_set():
                return
            try:
                self._deliver(wakeup)
                pause_s = _FIRST_PAUSE_S
            except Unavailable as error:
                self._set_up(False, str(error))
                self._rest(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
            except FarmError as error:
                self._give_up(wakeup, str(error))
            except Exception:
                # A mistake of ours must not end the thread on which every later wake-up depends.
                log.exception("a wake-up failed")
                self._give_up(wakeup, "see the traceback above")

    def _next(self) -> Wakeup | None:
        """The oldest wake-up worth sending; None when it is time for a check."""
        with self._changed:
            while not self._closed.is_set():
                self._drop_expired()
                left_s = self._check_due - time.monotonic()
                if left_s <= 0:
                    self._check_due = time.monotonic() + CHECK_S
                    return None
                if self._waiting:
                    return next(iter(self._waiting))
                self._changed.wait(left_s)
            return None

    def _deliver(self, wakeup: Wakeup | None) -> None:
        if wakeup is None:
            self._check()
        else:
            self._send(*wakeup)
            with self._changed:
                self._waiting.pop(wakeup, None)
                self._sent += 1
        self._set_up(True)

    def _give_up(self, wakeup: Wakeup | None, reason: str) -> None:
        if wakeup is None:
            log.error("the check of the broker failed: %s", reason)
            self._rest(_LONGEST_PAUSE_S)
            return
        log.error("gave up waking %s: %s", wakeup[0], reason)
        with self._changed:
            self._waiting.pop(wakeup, None)
            self._lost += 1

    def _drop_expired(self) -> None:
        oldest_worth = time.monotonic() - EXPIRES_S
        while self._waiting and next(iter(self._waiting.values())) < oldest_worth:
            del self._waiting[next(iter(self._waiting))]
            self._lost += 1

    def _set_up(self, up: bool, reason: str = "") -> None:
        if up != self._up:
            log.log(logging.INFO if up else logging.WARNING, "the broker %s", "answers" if up else f"is down: {reason}")
        self._up = up

    def _rest(self, pause_s: float) -> None:
        deadline = time.monotonic() + pause_s
        with self._changed:
            while not self._closed.is_set() and (left_s := deadline - time.monotonic()) > 0:
                self._changed.wait(left_s)
