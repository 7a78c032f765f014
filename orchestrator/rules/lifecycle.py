"""Which move of a build, preparation or request is allowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from farm.protocol.errors import Conflict
from farm.protocol.states import BUILD_STAGES, PREPARATION_STAGES, State

Moves = dict[State, frozenset[State]]

_ENDS = frozenset((State.DONE, State.FAILED, State.CANCELLED))


def _moves(stages: Sequence[State], before: Mapping[State, frozenset[State]], ends: frozenset[State]) -> Moves:
    # From each stage on to any later one: a builder without plugins has nothing to compile. Back only to the queue.
    moves = dict(before)
    for index, stage in enumerate((State.LEASED, *stages)):
        later = frozenset(stages[index:])
        moves[stage] = later | ends | {State.QUEUED}
    return moves


BUILD_MOVES: Moves = _moves(
    BUILD_STAGES,
    {
        State.WAITING: frozenset((State.QUEUED, State.FAILED, State.CANCELLED)),
        State.QUEUED: frozenset((State.LEASED, State.FAILED, State.CANCELLED)),
    },
    _ENDS | {State.QUARANTINED},
)

PREPARATION_MOVES: Moves = _moves(
    PREPARATION_STAGES,
    {State.QUEUED: frozenset((State.LEASED, State.FAILED, State.CANCELLED))},
    _ENDS,
)


def may_move(moves: Moves, old: State, new: State) -> bool:
    """True when the table has this move; an ended state has none."""
    return new in moves.get(old, frozenset())


def check_stage(moves: Moves, old: State, new: State) -> bool:
    """True when a report of this stage moves the work on; False when it is the stage it is in already.

    Raises: Conflict: the report would go back, or is no stage.
    """
    if new is old:
        return False
    if new in (State.QUEUED, *_ENDS, State.QUARANTINED) or not may_move(moves, old, new):
        raise Conflict(f"the work is {old}, which cannot become {new}", "Report the stages in their order.")
    return True
