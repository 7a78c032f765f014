"""What happened since this process began: counted as it is committed, since the database grows too long to count."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from threading import Lock

from orchestrator.store.events import NewEvent

from .durations import Spread

COMPILED, REUSED = "compiled", "reused"


class Tally:
    """Counts what was committed, by what it is about and where that came to. Safe for threads."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._ended: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._spreads: defaultdict[tuple[str, str], Spread] = defaultdict(Spread)
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

    def begin(self, target: str) -> None:
        """Count builds of this target from now on: a first failure is seen where there was a 0 before."""
        with self._lock:
            self._ended[target].update(())

    def end(self, target: str, state: str) -> None:
        """Count a build that ended, by the label of its target."""
        with self._lock:
            self._ended[target][str(state)] += 1

    def took(self, kind: str, word: str, seconds: float) -> None:
        """Count how long something took: a stage of a `build`, say."""
        with self._lock:
            self._spreads[kind, str(word)].add(seconds)

    def count(self, kind: str, word: str) -> int:
        """How many `preparation`s came to a state, `attempt`s to an end, how many requests were placed.

        Requests are counted under `submission`, by the state in which they were placed. A `plugin_library` is compiled
        when it is shared, and reused whenever a build is given one.
        """
        with self._lock:
            return self._counts[kind, str(word)]

    def ended(self) -> dict[str, Counter[str]]:
        """How many builds ended in which state, by target."""
        with self._lock:
            return {target: Counter(states) for target, states in self._ended.items()}

    def spread(self, kind: str, word: str) -> Spread:
        """How long this took so far."""
        with self._lock:
            return self._spreads[kind, str(word)].copy()


def _words(event: NewEvent) -> tuple[str, ...]:
    if event.kind == "submission":
        return tuple(str(state) for state in event.data["states"])
    if event.kind == "plugin_library":
        return (COMPILED,)
    word = event.data.get("end" if event.kind == "attempt" else "state")
    return () if word is None else (str(word),)
