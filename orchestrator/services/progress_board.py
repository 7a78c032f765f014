"""The newest word of each running build about how far it is; in memory, since the next one says more."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock

from farm.protocol.states import State

# More than there are slots in a fleet.
_MOST = 10_000


@dataclass(frozen=True)
class Told:
    """How far an attempt at a build is.

    Attributes:
        number: Grows with each word on the board.
        state: The stage that the phase belongs to.
        share: Of the steps that are done; None where the backend does not count.
        submissions: Those that want the build.
    """

    number: int
    at: float
    attempt: str
    build: str
    state: State
    phase: str
    share: float | None
    submissions: frozenset[str]

    @property
    def percent(self) -> float | None:
        """The share as people read it."""
        return None if self.share is None else round(100 * self.share, 1)


class Board:
    """One word for each attempt. Safe for threads."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, Told] = OrderedDict()
        self._number = 0
        self._lock = Lock()

    def note(
        self,
        at: float,
        attempt: str,
        build: str,
        state: State,
        phase: str,
        share: float | None,
        submissions: frozenset[str],
    ) -> None:
        """Replace what was known of an attempt."""
        with self._lock:
            self._number += 1
            self._told[attempt] = Told(self._number, at, attempt, build, state, phase, share, submissions)
            self._told.move_to_end(attempt)
            if len(self._told) > _MOST:
                self._told.popitem(last=False)

    def of(self, attempt: str, state: State) -> Told | None:
        """The newest word of an attempt about the stage it is in."""
        with self._lock:
            told = self._told.get(attempt)
        return told if told is not None and told.state is state else None

    @property
    def newest(self) -> int:
        """The number of the newest word; 0 before the first."""
        with self._lock:
            return self._number

    def after(self, number: int, submission: str | None = None, build: str | None = None) -> tuple[Told, ...]:
        """What was told behind a number: all, or of one submission or build."""
        with self._lock:
            newer = [told for told in self._told.values() if told.number > number]
        return tuple(
            told
            for told in newer
            if (submission is None or submission in told.submissions) and (build is None or build == told.build)
        )
