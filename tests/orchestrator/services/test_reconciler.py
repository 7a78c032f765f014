"""The reconciler beside a database that goes away."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path

import pytest

from farm.protocol.states import State
from farm.protocol.work import Claim
from orchestrator.services import reconciler
from orchestrator.store import attempts
from tests.support.coordinator import Coordinator, coordinator
from tests.support.frozen import Frozen
from tests.support.services import private_postgres
from tests.support.waiting import until

pytestmark = [pytest.mark.services, pytest.mark.fault]


def lease_until(farm: Coordinator, claim: Claim) -> float:
    with farm.context.database.read() as connection:
        row = attempts.by_id(connection, claim.lease.attempt)
    assert row is not None
    return row.lease_until


def test_no_lease_is_taken_back_for_the_time_without_a_database(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, reconciler.__name__)
    with private_postgres(os.environ) as server, coordinator(server.url, tmp_path) as farm:
        worker = farm.enrol()
        submission = farm.submit()
        claim = worker.claim_build()
        stop = threading.Event()
        rounds = threading.Thread(target=reconciler.run, args=(farm.context, stop))
        server.halt()
        rounds.start()
        try:
            until(lambda: "a round of the reconciler failed: the database does not answer" in caplog.text)
            # Nobody could beat for so long, and nobody does before the reconciler is back.
            farm.clock.pass_s(farm.context.policy.lease_ttl_s + 1)
            server.begin()
            until(lambda: lease_until(farm, claim) > farm.clock.now, told="the lease got no other term")
        finally:
            stop.set()
            rounds.join(10)
        assert farm.states(submission) == [State.LEASED]
        worker.publish(claim)
        assert farm.states(submission) == [State.DONE]


def test_no_lease_is_taken_back_for_the_time_that_the_coordinator_was_frozen(farm: Coordinator) -> None:
    worker = farm.enrol()
    submission = farm.submit()
    claim = worker.claim_build()
    reconciler.run(farm.context, Frozen(farm))
    assert lease_until(farm, claim) > farm.clock.now
    assert farm.states(submission) == [State.LEASED]
