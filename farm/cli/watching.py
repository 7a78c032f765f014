"""Wait for a submission and show its stages as they move."""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Callable, Dict, Optional, Tuple

import click

from farm.protocol.states import BUILD_STAGES, ENDED_STATES, GOOD_STATES, State
from farm.protocol.views import ProgressView, RequestView, SubmissionView

from .console import INTERRUPTED, columns, console, drawn_table, say, watched
from .format import CellLike, dim, duration, word
from .progress_text import progress_text

if TYPE_CHECKING:
    from farm.client import FarmClient

_WAY = (State.QUEUED, State.LEASED, *BUILD_STAGES)
_COLUMNS = columns("target, state, stages, for, ~")
# A line of progress for each target not more often than that.
_LINE_EVERY_S = 10.0


class Detached(click.exceptions.Exit):
    """Ends the command as Ctrl-C does; the work goes on."""

    def __init__(self) -> None:
        super().__init__(INTERRUPTED)


def watch(
    client: FarmClient, submission: str, timeout_s: Optional[float] = None, lines: bool = False
) -> SubmissionView:
    """The submission when it has ended. A terminal shows a live table; else, with `lines`, a line for each change.

    Raises: TimedOut, CoordinatorError. Detached: Ctrl-C; how to come back has been said.
    """
    shown: Any = _Live() if watched() else _Lines() if lines else None
    try:
        with shown or nullcontext():
            return client.wait(submission, shown.tell if shown else None, timeout_s, check=False)
    except KeyboardInterrupt:
        if watched():
            say("")  # the terminal has echoed ^C
        say(f"detached: {submission} goes on. Come back with farm status {submission} --watch")
        raise Detached() from None


def stage_bar(state: State) -> str:
    """How far a build is, as dots; empty before it is queued."""
    if state in GOOD_STATES:
        return "●" * len(_WAY)
    if state not in _WAY:
        return ""
    reached = _WAY.index(state) + 1
    return "●" * reached + "○" * (len(_WAY) - reached)


class _Lines:
    """One line whenever a target has moved, and now and then while it is at work."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._seen: Dict[str, Tuple[State, str]] = {}
        self._further: Dict[str, Tuple[str, Optional[float]]] = {}
        self._said_at: Dict[str, float] = {}
        self._clock = clock

    def __enter__(self) -> None: ...

    def __exit__(self, *unused: object) -> None: ...

    def tell(self, view: SubmissionView) -> None:
        for request in view.builds:
            now = (request.state, request.reason)
            if self._seen.get(request.id) != now:
                self._say(request, request.reason)
            elif request.progress is not None and self._is_further(request.id, request.progress):
                self._say(request, progress_text(request.progress))
            self._seen[request.id] = now

    def _say(self, request: RequestView, more: str) -> None:
        self._said_at[request.id] = self._clock()
        say(f"{time.strftime('%H:%M:%S')}  {request.target}  {request.state}{f': {more}' if more else ''}")

    def _is_further(self, request: str, progress: ProgressView) -> bool:
        now = (progress.phase, progress.percent)
        if now == self._further.get(request, ("", None)) or self._clock() - self._said_at[request] < _LINE_EVERY_S:
            return False
        self._further[request] = now
        return True


class _Live:
    """A table that is drawn again and again, with a clock for the stage that runs."""

    def __init__(self) -> None:
        from rich.live import Live

        self._since: Dict[str, Tuple[State, float]] = {}
        self._view: Optional[SubmissionView] = None
        self._told_at = time.monotonic()
        self._display = Live(
            console=console(sys.stderr), get_renderable=self._drawn, refresh_per_second=8, transient=True
        )

    def tell(self, view: SubmissionView) -> None:
        for request in view.builds:
            if self._since.get(request.id, (None, 0.0))[0] != request.state:
                self._since[request.id] = (request.state, time.monotonic())
        self._view, self._told_at = view, time.monotonic()

    def __enter__(self) -> None:
        self._display.start()

    def __exit__(self, *unused: object) -> None:
        self._display.stop()

    def _drawn(self) -> Any:
        return drawn_table(_COLUMNS, [self._row(request) for request in (self._view.builds if self._view else ())])

    def _row(self, request: RequestView) -> Tuple[CellLike, ...]:
        _, since = self._since[request.id]
        passed = "" if request.state in ENDED_STATES else duration(time.monotonic() - since)
        note = request.reason or progress_text(request.progress, time.monotonic() - self._told_at)
        return request.target, word(request.state), dim(stage_bar(request.state)), dim(passed), dim(note)
