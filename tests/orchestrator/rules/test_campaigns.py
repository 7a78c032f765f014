"""Where a campaign may go, what holds it, and whose engines wait."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farm.protocol.campaigns import CampaignState
from farm.protocol.errors import Conflict
from farm.protocol.exits import Exit
from farm.protocol.states import ENDED_STATES, GOOD_STATES, State
from orchestrator.rules.campaigns import (
    MOVES,
    OPEN,
    SERVING,
    Renewed,
    awaited,
    check_move,
    check_promotable,
    ended,
    exit_code,
    problem,
    verdict,
)
from orchestrator.rules.comparison import Change, Timed, compare

MEDIANS = st.floats(0.001, 1000.0)
SPREADS = st.floats(0.0, 100.0)
LIMITS = st.one_of(st.none(), st.floats(0.0, 200.0))


@st.composite
def items(draw: st.DrawFn) -> Renewed:
    """Anything that may have become of an engine."""
    state = draw(st.one_of(st.none(), st.sampled_from(State)))
    if state is None:
        return Renewed("net", None, refusal=draw(st.sampled_from(("", "it is refused"))))
    times = draw(st.tuples(MEDIANS, MEDIANS))
    before, after = (Timed("farm", "", median, draw(SPREADS)) for median in times)
    measured = draw(st.booleans())
    speed = compare(before, after if measured else None) if state in GOOD_STATES else None
    return Renewed("net", state, speed, noisy=not measured, gone=draw(st.booleans()))


@given(items(), LIMITS)
def test_what_has_ended_has_an_exit_code_and_only_what_is_good_has_no_problem(
    item: Renewed, limit: float | None
) -> None:
    code, why = exit_code(item, limit), problem(item, limit)
    assert (code is None) is not ended(item)
    if code is None:
        assert not why
    elif code is Exit.DONE:
        assert not why
        assert item.state in GOOD_STATES
    else:
        # A measurement that nobody needs for a limit may be noisy.
        assert why or (code is Exit.TOO_NOISY and limit is None)


@given(MEDIANS, MEDIANS, SPREADS, SPREADS, st.floats(0.0, 200.0))
def test_only_what_is_slower_by_more_than_the_noise_and_the_limit_is_too_slow(
    before: float, after: float, first_cv: float, other_cv: float, limit: float
) -> None:
    speed = compare(Timed("farm", "", before, first_cv), Timed("farm", "", after, other_cv))
    assert speed.ratio is not None
    assert speed.noise is not None
    why = problem(Renewed("net", State.DONE, speed), limit)
    assert bool(why) is (speed.ratio > 1 + speed.noise and 100 * (speed.ratio - 1) > limit)
    if speed.change is not Change.SLOWER:
        assert exit_code(Renewed("net", State.DONE, speed), limit) is Exit.DONE


@given(st.lists(items(), min_size=1, max_size=6), LIMITS)
def test_a_campaign_is_ready_where_it_may_be_promoted_and_else_held_or_running(
    renewed: list[Renewed], limit: float | None
) -> None:
    state, reason = verdict(renewed, limit)
    assert state in (CampaignState.RUNNING, CampaignState.READY, CampaignState.HELD)
    assert bool(reason) is (state is CampaignState.HELD)
    assert (state is CampaignState.RUNNING) is not all(map(ended, renewed))
    if state is CampaignState.READY:
        check_promotable("cmp-1", renewed, limit, force=False)
        return
    with pytest.raises(Conflict):
        check_promotable("cmp-1", renewed, limit, force=False)
    good = any(item.state in GOOD_STATES and not item.gone for item in renewed)
    if state is CampaignState.HELD and good:
        check_promotable("cmp-1", renewed, limit, force=True)
    else:
        with pytest.raises(Conflict):
            check_promotable("cmp-1", renewed, limit, force=True)


def test_every_move_is_allowed_or_refused_with_a_reason() -> None:
    for old, new in itertools.product(CampaignState, CampaignState):
        if old is new:
            assert check_move("cmp-1", old, new) is False
        elif new in MOVES[old]:
            assert check_move("cmp-1", old, new) is True
        elif new is not CampaignState.READY:
            with pytest.raises(Conflict, match="cmp-1 is"):
                check_move("cmp-1", old, new)
    assert {state for state, moves in MOVES.items() if not moves} == {CampaignState.ROLLED_BACK, CampaignState.CLOSED}
    assert set(CampaignState) - OPEN == {CampaignState.ROLLED_BACK, CampaignState.CLOSED}


@pytest.mark.parametrize("state", [None, *sorted(State)])
def test_an_engine_of_any_state_is_told(state: State | None) -> None:
    item = Renewed("net", state, reason="so it was")
    assert ended(item) is (state in ENDED_STATES)
    assert bool(problem(item, None)) is (state in ENDED_STATES - GOOD_STATES)


@given(st.lists(st.sampled_from(CampaignState)), st.booleans())
def test_an_engine_waits_while_nobody_but_unpromoted_campaigns_wants_it(
    makers: list[CampaignState], otherwise: bool
) -> None:
    waits = bool(makers) and not otherwise and not any(state in SERVING for state in makers)
    assert awaited(makers, otherwise) is waits
