"""Clocks that lie: that of a worker decides nothing, and that of the coordinator may jump without taking leases."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from farm.protocol.states import AttemptEnd, State
from tests.support.services import Broker, Postgres

from .fleet import Fleet
from .history import landed, long, now
from .process import Process

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]

_LIE = """
import time, datetime, os
_true = time.time
def _lies():
    return _true() + ({shift} if {when} else 0)
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


def lived_in_another_year(process: Process, shift: int) -> None:
    """Fail unless the lie was believed: the log of a process has the moments that it took for true."""
    assert f"{datetime.now() + timedelta(seconds=shift):%Y-%m}" in process.said()


@pytest.mark.parametrize("shift", [YEAR_S, -YEAR_S])
def test_a_worker_that_lives_in_another_year_builds_as_any_other(shared: Fleet, model: Path, shift: int) -> None:
    worker = shared.make_worker(f"year-{'later' if shift > 0 else 'earlier'}", FARM_FAILPOINTS=long(State.BUILDING))
    worker.lie = _LIE.format(shift=shift, when=True)
    worker.start()
    shared.await_worker(worker)
    submission = shared.submit(model)
    shared.in_stage(submission, State.BUILDING)
    shared.ended(submission)
    lived_in_another_year(worker, shift)
    (only,) = shared.build(submission).attempts
    assert only.end is AttemptEnd.PUBLISHED, shared.story(submission)
    landed(only, State.BUILDING)
    (engine,) = shared.engines(submission)
    assert only.started_at <= engine.created_at <= str(only.ended_at)


@pytest.mark.parametrize("shift", [YEAR_S, -YEAR_S])
def test_the_coordinators_clock_jumps_in_the_midst_of_a_build(
    tmp_path: Path, postgres: Postgres, broker: Broker, model: Path, shift: int
) -> None:
    jump = tmp_path / "jump"
    with postgres.database() as url:
        made = Fleet(tmp_path, url, broker.database())
        made.coordinator.lie = _LIE.format(shift=shift, when=f"os.path.exists({str(jump)!r})")
        try:
            made.up()
            made.worker("box", FARM_FAILPOINTS=long(State.BUILDING))
            submission = made.submit(model)
            made.in_stage(submission, State.BUILDING)
            jump.touch()
            jumped = now()
            # What is refused is logged.
            assert made.farm("list", token="farm_wrong").code == 9
            lived_in_another_year(made.coordinator, shift)
            made.ended(submission)
            (only,) = made.build(submission).attempts
            assert only.end is AttemptEnd.PUBLISHED
            landed(only, State.BUILDING, jumped)
            assert len(made.engines(submission)) == 1
        finally:
            made.down()
