"""Wake-ups through a broker, sent by a thread so that no request of the coordinator waits for it."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.services.wakeup_port import WakeupCounts

from .acl import DeviceAccounts
from .outbox import Outbox
from .publisher import Publisher


class CeleryWakeups:
    """Wakes devices through Celery.

    Args:
        url: The broker, with the coordinator's own credential.
        worker_url: The broker as workers reach it, where that differs.
        accounts: Gives each device a user of its own; None hands `worker_url` out as it is.
        stop: Called by `close`, to stop a broker that the farm owns.
    """

    def __init__(
        self,
        url: str,
        worker_url: str | None = None,
        accounts: DeviceAccounts | None = None,
        stop: Callable[[], None] | None = None,
    ) -> None:
        self._worker_url = worker_url or url
        self._accounts = accounts
        self._stop = stop
        self._publisher = Publisher(url)
        self._outbox = Outbox(self._send, self._check)

    def wake(self, device: str, build_id: str) -> None:
        """Hand the wake-up to the thread and return."""
        self._outbox.put(device, build_id)

    def worker_url(self, device: str) -> str | None:
        """The broker URL for this device; its user exists as soon as the broker can be reached."""
        if self._accounts is None:
            return self._worker_url
        url = self._accounts.url(self._worker_url, device)
        self._outbox.nudge()
        return url

    def forget(self, device: str) -> None:
        """Drop what waits for the device, and its user in the broker."""
        self._outbox.drop(device)
        if self._accounts is not None:
            self._accounts.forget(device)
            self._outbox.nudge()

    def healthy(self) -> bool:
        """True when the broker answered within the last seconds."""
        return self._outbox.healthy()

    def counts(self) -> WakeupCounts:
        """What became of the wake-ups so far."""
        return self._outbox.counts()

    def close(self) -> None:
        """Stop the thread, close the connections, stop a broker of the farm's own."""
        self._outbox.close()
        self._publisher.close()
        if self._stop is not None:
            self._stop()

    def _send(self, device: str, build_id: str) -> None:
        with self._publisher.speaking():
            if self._accounts is not None:
                self._accounts.ensure(self._publisher.client, device)
            self._publisher.publish(device, build_id)

    def _check(self) -> None:
        with self._publisher.speaking():
            self._publisher.client.ping()
            if self._accounts is not None:
                self._accounts.settle(self._publisher.client)
