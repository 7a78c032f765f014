"""Wait for a submission and show its stages as they move."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple

import click

from farm.protocol.states import BUILD_STAGES, ENDED_STATES, GOOD_STATES, State
from farm.protocol.views import RequestView, SubmissionView

from .console import INTERRUPTED, columns, console, drawn_table, say, watched
from .format import CellLike, dim, duration, word

if TYPE_CHECKING:
    from farm.client import FarmClient

_WAY = (State.QUEUED, State.LEASED, *BUILD_STAGES)
_COLUMNS = columns("target, state, stages, for, ~")


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
    shown: Any = _Live() if watched() else _Lines() if lines else _Silence()
    try:
        with shown:
            return client.wait(submission, shown.tell, timeout_s, check=False)
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


class _Silence:
    def tell(self, view: SubmissionView) -> None:
        """Nobody looks."""

    def __enter__(self) -> None: ...

    def __exit__(self, *unused: object) -> None: ...


class _Lines(_Silence):
    """One line whenever a target has moved."""

    def __init__(self) -> None:
        self._seen: Dict[str, Tuple[State, str]] = {}

    def tell(self, view: SubmissionView) -> None:
        for request in view.builds:
            now = (request.state, request.reason)
            if self._seen.get(request.id) != now:
                reason = f": {request.reason}" if request.reason else ""
                say(f"{time.strftime('%H:%M:%S')}  {request.target}  {request.state}{reason}")
            self._seen[request.id] = now


class _Live:
    """A table that is drawn again and again, with a clock for the stage that runs."""

    def __init__(self) -> None:
        from rich.live import Live

        self._since: Dict[str, Tuple[State, float]] = {}
        self._view: Optional[SubmissionView] = None
        self._display = Live(
            console=console(sys.stderr), get_renderable=self._drawn, refresh_per_second=8, transient=True
        )

    def tell(self, view: SubmissionView) -> None:
        for request in view.builds:
            if self._since.get(request.id, (None, 0.0))[0] != request.state:
                self._since[request.id] = (request.state, time.monotonic())
        self._view = view

    def __enter__(self) -> None:
        self._display.start()

    def __exit__(self, *unused: object) -> None:
        self._display.stop()

    def _drawn(self) -> Any:
        return drawn_table(_COLUMNS, [self._row(request) for request in (self._view.builds if self._view else ())])

    def _row(self, request: RequestView) -> Tuple[CellLike, ...]:
        _, since = self._since[request.id]
        passed = "" if request.state in ENDED_STATES else duration(time.monotonic() - since)
        return request.target, word(request.state), dim(stage_bar(request.state)), dim(passed), dim(request.reason)
