"""What the active requests of a list wait for, or how far their builds are: looked up for all of them at once.

A request stands where its build stands, so that only what runs, or what nobody serves, has to be looked up.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

from farm.protocol.states import LEASED_STATES, State
from farm.protocol.views import ProgressView
from orchestrator.store import build_lists, offers
from orchestrator.store.build_lists import AtWork
from orchestrator.store.database import Connection
from orchestrator.store.submissions import RequestRow

from . import progress
from .context import Context
from .outlook import Outlook, waits_for_device, waits_for_host


class Prospects:
    """Of the requests of some submissions, as one transaction sees them."""

    def __init__(self, context: Context, connection: Connection, requests: Iterable[RequestRow]) -> None:
        self._context = context
        self._connection = connection
        self._seen_after = context.clock() - context.policy.gone_s
        self._queued: set[str] = set()
        self._held: set[str] = set()
        for row in requests:
            if row.state is State.QUEUED:
                self._queued.add(row.submission_id)
            elif row.state in LEASED_STATES:
                self._held.add(row.submission_id)

    def waits_for(self, row: RequestRow) -> str:
        """Why nothing happens to an active request yet, in one sentence; empty while something does."""
        if row.state is State.WAITING:
            return waits_for_host(self._has_host)
        if row.state is State.QUEUED:
            return waits_for_device(row.label, row.build_id not in self._unserved)
        return ""

    def progress(self, row: RequestRow) -> ProgressView | None:
        """How far the build of a request is; None while no device works on it."""
        at_work = self._at_work.get(row.build_id or "") if row.state in LEASED_STATES else None
        if at_work is None:
            return None
        return progress.view(self._context, at_work.running, self._outlook.estimate(at_work.stand))

    @cached_property
    def _at_work(self) -> dict[str, AtWork]:
        return build_lists.at_work(self._connection, self._held)

    @cached_property
    def _outlook(self) -> Outlook:
        return Outlook(self._context, self._connection, [item.stand for item in self._at_work.values()])

    @cached_property
    def _has_host(self) -> bool:
        return offers.has_host(self._connection, self._seen_after)

    @cached_property
    def _unserved(self) -> frozenset[str]:
        """The builds that no device which is online could do: seldom any, so that asking for them is cheap."""
        targets = build_lists.queued_targets(self._connection, self._queued)
        unserved = targets - offers.served(self._connection, targets, self._seen_after)
        return build_lists.queued_for(self._connection, self._queued, unserved) if unserved else frozenset()
