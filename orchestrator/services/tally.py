"""What ended since this process began: counted as it is committed, since the database grows too long to count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from threading import Lock

from orchestrator.store.events import NewEvent

COMPILED, REUSED = "compiled", "reused"


class Tally:
    """Counts committed events by what they are about and where that came to. Safe for threads."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def note(self, events: Iterable[NewEvent]) -> None:
        """Count the events of a transaction that was committed."""
        moved = [(event.kind, word) for event in events for word in _words(event)]
        with self._lock:
            self._counts.update(moved)

    def add(self, kind: str, word: str) -> None:
        """Count what is no event: nothing changed."""
        with self._lock:
            self._counts[kind, str(word)] += 1

    def count(self, kind: str, word: str) -> int:
        """How many `build`s or `preparation`s came to a state, `attempt`s to an end, how many requests were placed.

        Requests are counted under `submission`, by the state in which they were placed. A `plugin_library` is compiled
        when it is shared, and reused whenever a build is given one.
        """
        with self._lock:
            return self._counts[kind, str(word)]


def _words(event: NewEvent) -> tuple[str, ...]:
    if event.kind == "submission":
        return tuple(str(state) for state in event.data["states"])
    if event.kind == "plugin_library":
        return (COMPILED,)
    word = event.data.get("end" if event.kind == "attempt" else "state")
    return () if word is None else (str(word),)
