"""Wait for the end of a submission, through restarts of the coordinator."""

from __future__ import annotations

import time
from typing import Callable, Iterator, Optional, Type

from farm.protocol.errors import (
    BuildFailed,
    Cancelled,
    FarmError,
    NoEngine,
    NumericsFailed,
    TargetUnavailable,
    TimedOut,
    TooNoisy,
    Unavailable,
)
from farm.protocol.exits import Exit, worst
from farm.protocol.states import ENDED_STATES, State
from farm.protocol.views import Event, RequestView, SubmissionView

from .events import events
from .transport import Broken, Transport, segment

# An event that got lost costs so much delay, and no more.
_LOOK_AGAIN_S = 5.0

_ERRORS = (BuildFailed, NumericsFailed, NoEngine, TooNoisy, TargetUnavailable, Cancelled, TimedOut)
_BY_EXIT = {kind.exit_code: kind for kind in _ERRORS}
_BY_STATE = {
    State.FAILED: Exit.BUILD_FAILED,
    State.QUARANTINED: Exit.NUMERICS_FAILED,
    State.CANCELLED: Exit.CANCELLED,
}

_ENDED = frozenset(str(state) for state in ENDED_STATES)

OnChange = Callable[[SubmissionView], None]


def ended(view: SubmissionView) -> bool:
    """Nothing of the submission goes on."""
    return all(request.state in ENDED_STATES for request in view.builds)


def outcome(view: SubmissionView) -> Exit:
    """The exit code that stands for all targets of an ended submission."""
    return worst(exit_of(request) for request in view.builds)


def exit_of(request: RequestView) -> Exit:
    """What one target of an ended submission adds to the exit code."""
    return Exit(request.exit_code) if request.exit_code is not None else _BY_STATE.get(request.state, Exit.DONE)


def raise_for_outcome(view: SubmissionView) -> None:
    """Nothing, if every target has its engine.

    Raises: FarmError: of the kind of the worst target, with all that did not succeed in its message.
    """
    code = outcome(view)
    if code is Exit.DONE:
        return
    bad = [f"{item.target}: {item.reason or item.state}" for item in view.builds if exit_of(item)]
    kind: Type[FarmError] = _BY_EXIT.get(code, BuildFailed)
    raise kind("; ".join(bad), f"Read farm logs {view.id}.", submission=view.id)


def wait(
    transport: Transport,
    submission: str,
    on_change: Optional[OnChange] = None,
    timeout_s: Optional[float] = None,
    clock: Callable[[], float] = time.monotonic,
) -> SubmissionView:
    """The submission once it has ended; see `FarmClient.wait`."""
    deadline = None if timeout_s is None else clock() + timeout_s
    told: Optional[SubmissionView] = None
    for view in _views(transport, submission, deadline, clock, each=on_change is not None):
        if view != told and on_change is not None:
            on_change(view)
        told = view
        if ended(view):
            return view
        if deadline is not None and clock() >= deadline:
            break
    raise TimedOut(
        f"{submission} did not end within {timeout_s:g} s and goes on",
        f"Wait on with farm status {submission} --watch.",
        submission=submission,
    )


def _views(
    transport: Transport, submission: str, deadline: Optional[float], clock: Callable[[], float], each: bool
) -> Iterator[SubmissionView]:
    """The submission now, and after each event; unless `each`, only after those that may have been the last."""
    where = f"/submissions/{segment(submission)}"
    yield transport.value(SubmissionView, "GET", where)

    def silence_s() -> float:
        return _LOOK_AGAIN_S if deadline is None else max(0.05, min(_LOOK_AGAIN_S, deadline - clock()))

    for event in events(transport, submission=submission, silence_s=silence_s):
        over = deadline is not None and clock() >= deadline
        if not (each or over or _may_be_last(event)):
            continue
        try:
            yield transport.value(SubmissionView, "GET", where)
        except (Broken, Unavailable):
            # The stream of events has the patience: it reconnects or gives up.
            continue


def _may_be_last(event: Optional[Event]) -> bool:
    state = event.data.get("state") if event is not None else None
    return state is None or state in _ENDED
