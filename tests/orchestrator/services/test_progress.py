"""How far builds are: in views and events at once, in no table ever."""

from __future__ import annotations

import pytest
from sqlalchemy import event as listening

from farm.protocol.errors import Invalid, LeaseLost
from farm.protocol.states import Role, State
from farm.protocol.views import ProgressView
from farm.protocol.work import Claim, ProgressReport
from orchestrator.services import build_views, progress, submissions
from tests.support.coordinator import Coordinator, Talker


def tell(box: Talker, claim: Claim, phase: str, share: float | None = None, token: int | None = None) -> None:
    report = ProgressReport(claim.lease.token if token is None else token, phase, share)
    progress.tell(box.context, box.caller, claim.lease.attempt, report)


def shown(farm: Coordinator, claim: Claim, submission: str) -> ProgressView | None:
    """As a build and as its submission show it, which is the same."""
    assert claim.build
    of_build = build_views.show(farm.context, claim.build.build).progress
    assert submissions.show(farm.context, submission).builds[0].progress == of_build
    return of_build


def test_it_is_shown_with_the_time_so_far_and_an_estimate(farm: Coordinator) -> None:
    box = farm.enrol()
    first = farm.submit(b"first")
    claim = box.claim_build()
    farm.clock.pass_s(3.0)
    assert shown(farm, claim, first.id) == ProgressView(elapsed_s=3.0)
    box.publish(claim, child_ms=20_000.0)
    assert shown(farm, claim, first.id) is None

    second = farm.submit(b"second")
    claim = box.claim_build()
    box.stage(claim, State.BUILDING)
    farm.clock.pass_s(5.0)
    tell(box, claim, "Timing tactics", 0.354)
    expected = ProgressView("Timing tactics", 35.4, 5.0, 20.0, "1 build of models of this size")
    assert shown(farm, claim, second.id) == expected
    box.stage(claim, State.VERIFYING)
    moved = shown(farm, claim, second.id)
    assert moved is not None
    assert (moved.phase, moved.percent, moved.estimate_s) == ("", None, 20.0), "a phase belongs to its stage"


def test_only_the_holder_of_the_lease_may_tell(farm: Coordinator) -> None:
    box = farm.enrol()
    other = farm.enrol("other", roles=(Role.DEVICE,))
    farm.submit()
    claim = box.claim_build()
    with pytest.raises(LeaseLost):
        tell(other, claim, "mine")
    with pytest.raises(LeaseLost):
        tell(box, claim, "old", token=claim.lease.token - 1)
    with pytest.raises(Invalid):
        tell(box, claim, "more than all", 1.5)
    box.publish(claim)
    with pytest.raises(LeaseLost):
        tell(box, claim, "after the end")


def test_a_word_wakes_those_who_watch_and_writes_nothing(farm: Coordinator) -> None:
    box = farm.enrol()
    submission = farm.submit()
    claim = box.claim_build()
    assert claim.build
    written: list[str] = []

    def look(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "BEGIN", "SET", "SHOW")):
            written.append(statement)

    board = farm.context.progress
    with farm.context.database.read() as connection:
        engine = connection.engine
    listening.listen(engine, "before_cursor_execute", look)
    for step in range(5):
        tell(box, claim, "Timing tactics", step / 10)
    listening.remove(engine, "before_cursor_execute", look)
    assert written == []
    assert [told.share for told in board.after(0, submission.id)] == [0.4], "only the newest word of each is kept"
    assert board.after(board.newest) == ()
    assert board.after(0, build="bld-other") == board.after(0, submission="sub-other") == ()
    (told,) = board.after(0, build=claim.build.build)
    event = progress.event(told, 17)
    assert (event.id, event.kind, event.build) == (17, "progress", claim.build.build)
    assert event.data["percent"] == 40.0
