"""The farm without a broker: workers hold a claim open until there is work."""

from __future__ import annotations

from orchestrator.services.wakeup_port import WakeupCounts


class NoWakeups:
    """Wakes nobody: `worker_url` tells each worker to poll."""

    def wake(self, device: str, build_id: str) -> None:
        """Nothing to do: the claim that the worker holds open is answered by the coordinator itself."""

    def worker_url(self, device: str) -> str | None:
        """None: poll."""
        return None

    def forget(self, device: str) -> None:
        """Nothing to take back."""

    def healthy(self) -> bool:
        """True: what is not there cannot be down."""
        return True

    def counts(self) -> WakeupCounts:
        """Zeros."""
        return WakeupCounts()

    def close(self) -> None:
        """Nothing to stop."""
