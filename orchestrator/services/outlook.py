"""What active builds wait for, and how long they will take: what many builds of a list share is looked up once."""

from __future__ import annotations

from functools import cached_property

from farm.protocol.states import ENDED_STATES, State
from orchestrator.store import build_lists, offers
from orchestrator.store.build_lists import Standing, Times
from orchestrator.store.database import Connection

from .context import Context


class Outlook:
    """The near future as one transaction sees it."""

    def __init__(self, context: Context, connection: Connection) -> None:
        self._connection = connection
        self._seen_after = context.clock() - context.policy.gone_s
        self._times: dict[str, Times] = {}
        self._has_builder: dict[str, bool] = {}

    def estimate_s(self, build: Standing) -> float | None:
        """How long an active build should take; None where nothing like it was built, or it has ended."""
        if build.state in ENDED_STATES:
            return None
        if build.target_digest not in self._times:
            self._times[build.target_digest] = build_lists.times(self._connection, build.target_digest)
        return self._times[build.target_digest].usual_s(build.model)

    def waits_for(self, build: Standing) -> str:
        """Why nothing happens to an active build yet, in one sentence; empty while something does."""
        if build.state is State.WAITING:
            return "its model is being prepared" if self._has_host else "no host that prepares models is online"
        if build.state is not State.QUEUED:
            return ""
        if build.target_digest not in self._has_builder:
            found = offers.has_builder(self._connection, build.target_digest, self._seen_after)
            self._has_builder[build.target_digest] = found
        if self._has_builder[build.target_digest]:
            return "waits for a free slot"
        return f"no device that builds for {build.label} is online"

    @cached_property
    def _has_host(self) -> bool:
        return offers.has_host(self._connection, self._seen_after)
