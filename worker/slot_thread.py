"""The thread of one slot: claims, works, claims again, until nothing is left; then it waits to be woken."""

from __future__ import annotations

import logging
import threading
import uuid
from typing import Callable, Optional, Tuple

from farm.protocol.errors import FarmError, Forbidden, Unauthorized
from farm.protocol.states import Role, State
from farm.protocol.work import Claim, ClaimAsk

from .coordinator import Coordinator
from .lease.halt import Why
from .lease.patience import GaveUp
from .lease.run import Run
from .lease.shop import Shop

log = logging.getLogger(__name__)

# So long a claim is held open at the coordinator where nobody would wake us.
_OPEN_S = 20.0
_REFUSED_S = 15.0


class SlotThread(threading.Thread):
    """Serves one slot until told to stop. Children die with this thread, so it lives as long as the worker.

    Args:
        slot: Its name.
        roles: Of this device.
        coordinator: Asked for work.
        shop: What the work is done with.
        woken: Tells whether wake-ups arrive at present.
        poll_s: How often to claim all the same.
        refused: Called when the coordinator does not know this device any more.
    """

    def __init__(
        self,
        slot: str,
        roles: Tuple[Role, ...],
        coordinator: Coordinator,
        shop: Shop,
        woken: Callable[[], bool],
        poll_s: float,
        refused: Callable[[], None],
    ) -> None:
        super().__init__(name=f"slot-{slot}", daemon=True)
        self.slot = slot
        self.stage: Optional[State] = None
        self._roles = roles
        self._coordinator = coordinator
        self._shop = shop
        self._woken = woken
        self._poll_s = poll_s
        self._refused = refused
        self._moved = threading.Condition()
        self._asked = 1  # The first look is nobody's wake-up.
        self._served = 0
        self._hint: Optional[str] = None
        self._busy = False
        self._draining = False
        self._run: Optional[Run] = None

    def wake(self, hint: str) -> Optional[int]:
        """There may be work: a ticket for `wait_served` where the slot was free. A busy one looks again by itself."""
        with self._moved:
            self._hint = hint
            self._asked += 1
            self._moved.notify_all()
            return None if self._busy else self._asked

    def look(self) -> None:
        """Claim as soon as the slot is free, for whatever reason."""
        with self._moved:
            self._asked += 1
            self._moved.notify_all()

    def wait_served(self, ticket: int) -> None:
        """Return when the work found after that wake-up is done."""
        with self._moved:
            self._moved.wait_for(lambda: self._served >= ticket or not self.is_alive())

    def drain(self) -> None:
        """Claim no more. What runs goes on."""
        with self._moved:
            self._draining = True
            self._moved.notify_all()

    def release(self, reason: str) -> None:
        """Hand back what runs."""
        self.drain()
        with self._moved:
            running = self._run
        if running is not None:
            running.halt.tell(Why.RELEASED, reason)

    def wait_free(self, timeout_s: float) -> bool:
        """True as soon as nothing runs here."""
        with self._moved:
            return self._moved.wait_for(lambda: self._run is None, timeout_s)

    def run(self) -> None:
        """Serve."""
        while True:
            with self._moved:
                self._moved.wait_for(lambda: self._draining or self._asked > self._served, self._idle_s())
                if self._draining:
                    return
                hint, self._hint = self._hint, None
                ticket, self._busy = self._asked, True
            try:
                self._serve(hint)
            except GaveUp:
                log.debug("%s: stopped", self.slot)
            except (Forbidden, Unauthorized) as error:
                log.error("%s: %s", self.slot, error)
                self._refused()
                self._rest()
            except FarmError as error:
                log.error("%s: %s", self.slot, error)
                self._rest()
            except Exception:  # a slot that ended by a mistake of ours would look idle for ever
                log.exception("%s: going on after a mistake", self.slot)
                self._rest()
            finally:
                with self._moved:
                    self._busy, self._served = False, ticket
                    self._moved.notify_all()

    def _idle_s(self) -> float:
        return self._poll_s if self._woken() else 0.0

    def _rest(self) -> None:
        with self._moved:
            self._moved.wait_for(lambda: self._draining, _REFUSED_S)

    def _serve(self, hint: Optional[str]) -> None:
        """Claim and work until nothing is left. Raises: GaveUp, FarmError."""
        while not self._draining:
            claim = self._claim(hint)
            if claim is None:
                return
            self._work(claim)
            hint = None

    def _claim(self, hint: Optional[str]) -> Optional[Claim]:
        wait_s = 0.0 if self._woken() or hint else _OPEN_S
        # The same nonce gets the same lease again, should the answer be lost on its way.
        ask = ClaimAsk(self.slot, self._roles, uuid.uuid4().hex, hint, wait_s)
        return self._shop.patience.call(lambda: self._coordinator.claim(ask), "claiming", lambda: not self._draining)

    def _work(self, claim: Claim) -> None:
        log.info("%s: %s", self.slot, _named(claim))
        line = self._coordinator.hold(claim.lease)
        run = Run(self._shop, claim, line, self._entered)
        with self._moved:
            self._run = run
            draining = self._draining
        if draining:
            # It came while we were told to stop: the answer to a claim that was held open.
            run.halt.tell(Why.RELEASED, "the worker stops")
        try:
            run.work()
        finally:
            with self._moved:
                self._run, self.stage = None, None
                self._moved.notify_all()

    def _entered(self, stage: State) -> None:
        self.stage = stage


def _named(claim: Claim) -> str:
    if claim.build is not None:
        target = claim.build.key.target
        return f"building {claim.build.model_name} with {target.backend} {target.backend_version} ({claim.build.build})"
    return f"preparing ({claim.preparation.preparation if claim.preparation else 'nothing'})"
