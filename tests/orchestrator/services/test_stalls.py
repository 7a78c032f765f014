"""A database that stalls for longer than a lease, and then goes on: nobody's lease is taken back for that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event

from farm.protocol.states import State
from orchestrator.services import reconciler
from tests.support.coordinator import Coordinator, Talker
from tests.support.frozen import Frozen


@contextmanager
def stalled(farm: Coordinator, beginning: str) -> Iterator[None]:
    """The first statement that begins so lasts three leases."""
    left = [3 * farm.context.policy.lease_ttl_s]

    def stall(_connection: Any, _cursor: Any, statement: str, *_more: Any) -> None:
        if left and statement.startswith(beginning):
            farm.clock.pass_s(left.pop())

    engine = farm.context.database.engine
    event.listen(engine, "before_cursor_execute", stall)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", stall)
    assert not left, "no such statement"


def built_once(farm: Coordinator, box: Talker) -> None:
    """Two rounds of the reconciler find nothing to take back."""
    assert farm.reconcile().expired == 0
    farm.clock.pass_s(farm.context.policy.lease_ttl_s / 2)
    assert farm.reconcile().expired == 0
    assert box.claim() is None


@pytest.mark.parametrize("call", ["beat", "stage"])
def test_a_lease_that_was_held_while_the_database_stalled_lasts_from_then_on(farm: Coordinator, call: str) -> None:
    box = farm.enrol()
    submission = farm.submit()
    claim = box.claim_build()
    with stalled(farm, "SELECT"):
        if call == "beat":
            box.beat(claim)
        else:
            box.stage(claim, State.BUILDING)
    built_once(farm, box)
    box.publish(claim)
    assert farm.states(submission) == [State.DONE]


def test_a_lease_that_was_given_while_the_database_stalled_is_a_whole_one(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    preparing = box.claim()
    assert preparing
    box.prepare(preparing)
    with stalled(farm, "SELECT"):
        claim = box.claim()
    assert claim
    built_once(farm, box)
    box.publish(claim)


def test_a_stall_while_leases_get_another_term_is_followed_by_another_one(farm: Coordinator) -> None:
    box = farm.enrol()
    submission = farm.submit()
    claim = box.claim_build()
    with stalled(farm, "UPDATE attempt"):
        reconciler.run(farm.context, Frozen(farm))
    assert farm.states(submission) == [State.LEASED]
    box.publish(claim)
    assert farm.states(submission) == [State.DONE]
