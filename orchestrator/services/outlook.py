"""What active builds wait for, and how long they will take: looked up for all builds of a list at once."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property

from farm.protocol.states import ENDED_STATES, State
from orchestrator.rules.estimates import Estimate, Took, Wanted, estimate
from orchestrator.store import build_lists, offers
from orchestrator.store.build_lists import Standing
from orchestrator.store.database import Connection

from .context import Context


class Outlook:
    """The near future of some builds, as one transaction sees it."""

    def __init__(self, context: Context, connection: Connection, builds: Collection[Standing]) -> None:
        self._context = context
        self._connection = connection
        self._seen_after = context.clock() - context.policy.gone_s
        active = [build for build in builds if build.state not in ENDED_STATES]
        self._active = {build.target_digest for build in active}
        self._models = {build.model for build in active}

    def estimate(self, build: Standing) -> Estimate | None:
        """How long an active build should take; None where nothing for its target was built, or it has ended."""
        if build.state in ENDED_STATES:
            return None
        wanted = Wanted(build.model, build.precision, self._sizes.get(build.model, 0))
        return estimate(self._times[build.target_digest], wanted)

    def waits_for(self, build: Standing) -> str:
        """Why nothing happens to an active build yet, in one sentence; empty while something does."""
        if build.state is State.WAITING:
            return waits_for_host(self._has_host)
        if build.state is State.QUEUED:
            return waits_for_device(build.label, build.target_digest in self._served)
        return ""

    @cached_property
    def _times(self) -> dict[str, tuple[Took, ...]]:
        return self._context.estimates.times(self._connection, self._active, self._context.clock())

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return build_lists.sizes(self._connection, self._models)

    @cached_property
    def _has_host(self) -> bool:
        return offers.has_host(self._connection, self._seen_after)

    @cached_property
    def _served(self) -> frozenset[str]:
        return offers.served(self._connection, self._active, self._seen_after)


def waits_for_host(is_online: bool) -> str:
    """What a build waits for whose model is not prepared yet."""
    return "its model is being prepared" if is_online else "no host that prepares models is online"


def waits_for_device(label: str, is_online: bool) -> str:
    """What a build in the queue waits for."""
    return "waits for a free slot" if is_online else f"no device that builds for {label} is online"
