"""How long builds took, remembered for a minute: every list asks for it, and it hardly moves."""

from __future__ import annotations

from collections.abc import Collection

from orchestrator.rules.estimates import Took
from orchestrator.store import build_lists
from orchestrator.store.database import Connection

_KEPT_S = 60.0


class Estimates:
    """The newest times of targets, by digest. Threads that look at once find the same."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, tuple[Took, ...]]] = {}

    def times(self, connection: Connection, target_digests: Collection[str], now: float) -> dict[str, tuple[Took, ...]]:
        """How long the newest builds for each of these targets took, at most a minute ago."""
        found = {}
        for digest in target_digests:
            at, times = self._known.get(digest, (0.0, ()))
            # What was never built is looked up again: its first build is what one waits for.
            if times and 0.0 <= now - at < _KEPT_S:
                found[digest] = times
        missing = set(target_digests) - set(found)
        if missing:
            looked_up = build_lists.times(connection, missing)
            self._known.update((digest, (now, times)) for digest, times in looked_up.items())
            found.update(looked_up)
        return found
