"""Tells idle devices that there may be work for them. Only hints: the claim decides, the reconciler repeats."""

from __future__ import annotations

from orchestrator.store import offers
from orchestrator.store.builds import BuildRow

from .transaction import Transaction

# One is enough to do the work; a second one covers a device that does not hear.
_DEVICES = 2


def wake_builders(transaction: Transaction, build: BuildRow) -> None:
    """Wake devices that build for the target of a queued build."""
    found = offers.idle_builders(transaction.connection, build.target_digest, transaction.at, _DEVICES)
    _wake(transaction, build.id, found)


def wake_hosts(transaction: Transaction, preparation_id: str) -> None:
    """Wake hosts for a queued preparation."""
    _wake(transaction, preparation_id, offers.idle_hosts(transaction.connection, transaction.at, _DEVICES))


def _wake(transaction: Transaction, work_id: str, devices: tuple[offers.Reachable, ...]) -> None:
    offers.note_woken(transaction.connection, work_id, devices, transaction.at)
    for device in devices:
        transaction.wake(device.id, device.name, work_id)
