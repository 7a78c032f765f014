"""Clocks that lie: that of a worker decides nothing, and that of the coordinator may jump without taking leases."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.protocol.states import AttemptEnd, State
from tests.support.services import Broker, Postgres

from .fleet import Fleet, ends

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]

_LIE = """
import time, datetime
_true, _begin = time.time, time.monotonic()
def _lies():
    return _true() + ({shift} if time.monotonic() - _begin > {after} else 0)
time.time = _lies
time.time_ns = lambda: int(_lies() * 1e9)
class _Lying(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls.fromtimestamp(_lies(), tz)
    @classmethod
    def utcnow(cls):
        return cls.fromtimestamp(_lies(), datetime.timezone.utc).replace(tzinfo=None)
datetime.datetime = _Lying
"""
YEAR_S = 365 * 86400


@pytest.mark.parametrize("shift", [YEAR_S, -YEAR_S])
def test_a_worker_that_lives_in_another_year_builds_as_any_other(shared: Fleet, model: Path, shift: int) -> None:
    worker = shared.make_worker(f"year-{'later' if shift > 0 else 'earlier'}", FARM_FAILPOINTS="building=pause:5")
    worker.lie = _LIE.format(shift=shift, after=0)
    worker.start()
    shared.await_worker(worker)
    submission = shared.submit(model)
    shared.in_stage(submission, State.BUILDING)
    shared.ended(submission)
    assert ends(shared.build(submission).attempts) == [AttemptEnd.PUBLISHED], shared.story(submission)
    (engine,) = shared.engines(submission)
    attempt = shared.build(submission).attempts[0]
    assert attempt.started_at <= engine.created_at <= str(attempt.ended_at)


@pytest.mark.parametrize("shift", [YEAR_S, -YEAR_S])
def test_the_coordinators_clock_jumps_in_the_midst_of_a_build(
    tmp_path: Path, postgres: Postgres, broker: Broker, model: Path, shift: int
) -> None:
    with postgres.database() as url:
        made = Fleet(tmp_path, url, broker.database())
        made.coordinator.lie = _LIE.format(shift=shift, after=8)
        try:
            made.up()
            made.worker("box", FARM_FAILPOINTS="building=pause:10")
            submission = made.submit(model)
            made.in_stage(submission, State.BUILDING)
            made.ended(submission)
            (only,) = made.build(submission).attempts
            assert only.end is AttemptEnd.PUBLISHED
            assert len(made.engines(submission)) == 1
        finally:
            made.down()
