"""What one request, and all of a submission, answer to the shell."""

from __future__ import annotations

from collections.abc import Sequence

from farm.protocol.exits import Exit
from farm.protocol.states import ENDED_STATES, State

_EXITS = {
    State.DONE: Exit.DONE,
    State.CACHED: Exit.DONE,
    State.FAILED: Exit.BUILD_FAILED,
    State.CANCELLED: Exit.CANCELLED,
    State.QUARANTINED: Exit.NUMERICS_FAILED,
}
# Of ended requests the first that occurs stands for all.
_WORST = (State.QUARANTINED, State.FAILED, State.CANCELLED, State.DONE, State.CACHED)
_PROGRESS = tuple(State)


def exit_of(state: State, noisy: bool = False) -> Exit | None:
    """The exit code of one request; None while it is active.

    Args:
        state: Of the request.
        noisy: The measurement it asked for spread too far to be published.
    """
    code = _EXITS.get(state)
    return Exit.TOO_NOISY if code is Exit.DONE and noisy else code


def submission_state(states: Sequence[State]) -> State:
    """The least finished of its requests, else the worst."""
    active = [state for state in states if state not in ENDED_STATES]
    if active:
        return min(active, key=_PROGRESS.index)
    return next((state for state in _WORST if state in states), State.DONE)
