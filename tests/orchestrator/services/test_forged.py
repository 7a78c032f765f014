"""Workers that are not who they seem, and wake-ups that nobody sent."""

from __future__ import annotations

import pytest

from farm.protocol.errors import Conflict, LeaseLost
from farm.protocol.states import AttemptEnd, State
from orchestrator.services import builds
from orchestrator.store import attempts
from tests.support.coordinator import Coordinator, gpu_facts


def test_a_forged_wake_up_gives_no_work_for_another_target(farm: Coordinator) -> None:
    box, card = farm.enrol(), farm.enrol("card", gpu_facts(version="10.4.0.26"), slots=("gpu0",))
    submission = farm.submit(targets=("h200",))
    preparing = box.claim()
    assert preparing
    box.prepare(preparing)
    foreign = farm.show(submission).builds[0].build
    assert foreign
    for hint in (foreign, foreign, "bld-of-nobody", "../../x", ""):
        assert box.claim(hint=hint) is None
    assert farm.states(submission) == [State.QUEUED]
    mine = card.claim(hint="bld-of-nobody")
    assert mine
    assert mine.build
    assert mine.build.build == foreign


def test_a_second_worker_of_the_same_name_is_refused_and_the_first_goes_on(farm: Coordinator) -> None:
    first = farm.enrol("box")
    submission = farm.submit()
    claim = first.claim_build()
    with pytest.raises(Conflict, match="'box' is tied to another token") as refused:
        farm.enrol("box")
    assert "Enrol under another name, or revoke that token." in refused.value.hint
    first.publish(claim)
    assert farm.states(submission) == [State.DONE]


def test_the_lease_of_another_device_cannot_be_used_with_its_token(farm: Coordinator) -> None:
    box, other = farm.enrol(), farm.enrol("other")
    submission = farm.submit()
    claim = box.claim_build()
    with pytest.raises((LeaseLost, Conflict)):
        builds.publish(farm.context, other.caller, claim.lease.attempt, box.result(claim))
    with farm.context.database.read() as connection:
        held = attempts.by_id(connection, claim.lease.attempt)
    assert held
    assert held.end is None
    box.publish(claim)
    assert farm.states(submission) == [State.DONE]
    with farm.context.database.read() as connection:
        ended = attempts.by_id(connection, claim.lease.attempt)
    assert ended
    assert ended.end is AttemptEnd.PUBLISHED
