"""Which moves of a build or preparation are possible."""

from __future__ import annotations

import pytest

from farm.protocol.errors import Conflict
from farm.protocol.states import ACTIVE_STATES, ENDED_STATES, State
from orchestrator.rules.lifecycle import BUILD_MOVES, PREPARATION_MOVES, check_stage, may_move


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        (State.WAITING, State.QUEUED, True),
        (State.WAITING, State.LEASED, False),
        (State.QUEUED, State.LEASED, True),
        (State.QUEUED, State.BUILDING, False),
        (State.LEASED, State.COMPILING, True),
        (State.LEASED, State.BUILDING, True),
        (State.BUILDING, State.COMPILING, False),
        (State.BUILDING, State.QUEUED, True),
        (State.PUBLISHING, State.DONE, True),
        (State.PUBLISHING, State.QUARANTINED, True),
        (State.DONE, State.QUEUED, False),
        (State.CANCELLED, State.DONE, False),
    ],
)
def test_moves_of_a_build(old: State, new: State, allowed: bool) -> None:
    assert may_move(BUILD_MOVES, old, new) is allowed


@pytest.mark.parametrize("moves", [BUILD_MOVES, PREPARATION_MOVES])
def test_what_ended_never_moves_and_what_is_active_can_end(moves: dict[State, frozenset[State]]) -> None:
    assert not set(moves) & ENDED_STATES
    for state in set(moves) & ACTIVE_STATES:
        assert {State.FAILED, State.CANCELLED} <= moves[state]


def test_a_repeated_stage_is_no_move_and_a_step_back_is_refused() -> None:
    assert check_stage(BUILD_MOVES, State.LEASED, State.BUILDING)
    assert not check_stage(BUILD_MOVES, State.BUILDING, State.BUILDING)
    for state in (State.COMPILING, State.QUEUED, State.DONE, State.PREPARING):
        with pytest.raises(Conflict):
            check_stage(BUILD_MOVES, State.BUILDING, state)
