"""A worker: enrols its device, tells that it lives, and serves its slots until told to stop."""

from __future__ import annotations

import logging
import threading
import time
from typing import Dict, List, Optional

from farm.client.transport import Broken
from farm.device import telemetry
from farm.protocol.errors import FarmError, Unavailable
from farm.protocol.states import State
from farm.protocol.work import Enrolled, Enrolment, Heartbeat

from .consumer import Consumer, reachable_broker
from .coordinator import Coordinator
from .lease.patience import Patience
from .lease.shop import Shop
from .slot_thread import SlotThread
from .vitals import Vitals

log = logging.getLogger(__name__)

_CONSUMER_END_S = 2.0


class Agent:
    """Runs from `start` to `stop`.

    Args:
        coordinator: With this device's token.
        enrolment: How the device introduces itself.
        shops: What the work is done with, for each slot.
        stopping: Ends every wait for the coordinator.
        vitals: Told whenever the coordinator hears that this worker lives.
    """

    def __init__(
        self,
        coordinator: Coordinator,
        enrolment: Enrolment,
        shops: Dict[str, Shop],
        stopping: threading.Event,
        vitals: Optional[Vitals] = None,
    ) -> None:
        self._coordinator = coordinator
        self._enrolment = enrolment
        self._shops = shops
        self._stopping = stopping
        self._vitals = vitals
        self._patience = Patience(stopping)
        self._slots: List[SlotThread] = []
        self._consumer: Optional[Consumer] = None
        self._enrol_again = threading.Event()
        # A process that some cards are hidden from does not count them, but NVML does.
        self._uuids = tuple(gpu.uuid for gpu in enrolment.facts.gpus if gpu.uuid)
        self._telemetry: Dict[str, float] = {}
        self._sampled_at: Optional[float] = None

    def start(self) -> None:
        """Enrol, waiting for the coordinator if need be, and begin to serve.

        Raises: FarmError: the coordinator refuses this device. GaveUp: stopped before it answered.
        """
        enrolled = self._enrol()
        log.info(
            "%s serves %s as %s", enrolled.device, ", ".join(self._shops), ", ".join(map(str, self._enrolment.roles))
        )
        url = reachable_broker(enrolled, self._coordinator.url)
        if url is not None:
            self._consumer = Consumer(url, enrolled, len(self._shops) + 1, self.serve, self._look)
        for name, shop in self._shops.items():
            thread = SlotThread(
                name,
                self._enrolment.roles,
                self._coordinator,
                shop,
                self._is_woken,
                enrolled.poll_s,
                self._enrol_again.set,
            )
            self._slots.append(thread)
        threads: List[threading.Thread] = [*self._slots, *([self._consumer] if self._consumer else [])]
        threads.append(threading.Thread(target=self._live, args=[enrolled.heartbeat_s], name="heartbeat", daemon=True))
        for started in threads:
            started.start()

    def serve(self, hint: str) -> None:
        """Wake the slots; return when the free ones have done all they found."""
        tickets = [(slot, slot.wake(hint)) for slot in self._slots]
        for slot, ticket in tickets:
            if ticket is not None:
                slot.wait_served(ticket)

    def drain(self) -> None:
        """Claim no more. What runs goes on."""
        if self._consumer is not None:
            self._consumer.stop()
        for slot in self._slots:
            slot.drain()

    def wait_free(self, timeout_s: float) -> bool:
        """True as soon as nothing runs."""
        until = time.monotonic() + timeout_s
        return all(slot.wait_free(max(0.0, until - time.monotonic())) for slot in self._slots)

    def release(self, reason: str) -> None:
        """Hand back what runs."""
        for slot in self._slots:
            slot.release(reason)

    def close(self) -> None:
        """End what is left; afterwards the process should end."""
        self._stopping.set()
        if self._consumer is not None:
            self._consumer.join(_CONSUMER_END_S)

    def _enrol(self) -> Enrolled:
        return self._patience.call(lambda: self._coordinator.enrol(self._enrolment), "enrolling")

    def _look(self) -> None:
        for slot in self._slots:
            slot.look()

    def _is_woken(self) -> bool:
        return self._consumer is not None and self._consumer.connected

    def _live(self, heartbeat_s: float) -> None:
        """Tell that this device lives, and enrol anew when asked to."""
        while not self._stopping.is_set():
            try:
                if self._enrol_again.is_set():
                    self._coordinator.enrol(self._enrolment)
                    self._enrol_again.clear()
                if self._coordinator.heartbeat(self._beat()).enrol:
                    self._enrol_again.set()
                    continue
                self._note(heartbeat_s)
            except (Broken, Unavailable) as error:
                log.debug("a heartbeat broke: %s", error)
            except FarmError as error:
                log.error("the coordinator refuses this device: %s", error)
            self._stopping.wait(heartbeat_s)

    def _note(self, heartbeat_s: float) -> None:
        try:
            if self._vitals is not None:
                self._vitals.note(heartbeat_s)
        except OSError as error:
            log.warning("cannot tell container engines that this worker lives: %s", error)

    def _beat(self) -> Heartbeat:
        # A sample wakes a card and takes time of the processor: never while an engine is timed.
        if not any(slot.stage is State.BENCHMARKING for slot in self._slots):
            self._telemetry, self._sampled_at = telemetry.sample(None, self._uuids), time.monotonic()
        ago_s = time.monotonic() - self._sampled_at if self._sampled_at is not None else 0.0
        return Heartbeat(self._telemetry, ago_s)
