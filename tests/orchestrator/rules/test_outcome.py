"""Exit codes and the state of a whole submission."""

from __future__ import annotations

import pytest

from farm.protocol.exits import Exit
from farm.protocol.states import State
from orchestrator.rules.outcome import exit_of, submission_state


@pytest.mark.parametrize(
    ("state", "noisy", "code"),
    [
        (State.DONE, False, Exit.DONE),
        (State.CACHED, False, Exit.DONE),
        (State.DONE, True, Exit.TOO_NOISY),
        (State.FAILED, True, Exit.BUILD_FAILED),
        (State.QUARANTINED, False, Exit.NUMERICS_FAILED),
        (State.CANCELLED, False, Exit.CANCELLED),
        (State.BUILDING, False, None),
    ],
)
def test_exit_codes(state: State, noisy: bool, code: Exit | None) -> None:
    assert exit_of(state, noisy) == code


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ([State.DONE, State.BUILDING, State.QUEUED], State.QUEUED),
        ([State.FAILED, State.WAITING], State.WAITING),
        ([State.DONE, State.FAILED, State.QUARANTINED], State.QUARANTINED),
        ([State.CANCELLED, State.DONE], State.CANCELLED),
        ([State.CACHED, State.DONE], State.DONE),
        ([State.CACHED], State.CACHED),
    ],
)
def test_the_state_of_a_submission(states: list[State], whole: State) -> None:
    assert submission_state(states) is whole
