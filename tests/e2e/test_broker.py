"""The broker is a wake-up call: what it loses, repeats or forgets changes nothing but the moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from farm.protocol.states import AttemptEnd, State
from orchestrator.queue.celery_wakeups import CeleryWakeups
from tests.support.services import Postgres, private_broker
from tests.support.waiting import until

from .fleet import Fleet, ends, fleet, net

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]

LONG = "building=pause:5"
PUBLISHED = AttemptEnd.PUBLISHED


@pytest.fixture(scope="module")
def woken(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres) -> Iterator[tuple[Fleet, str]]:
    """A fleet and a broker of its own."""
    with (
        postgres.database() as url,
        private_broker(os.environ) as (_, broker_url),
        fleet(tmp_path_factory.mktemp("woken"), url, broker_url) as made,
    ):
        yield made, broker_url


def test_one_message_delivered_five_times_builds_once(woken: tuple[Fleet, str], model: Path) -> None:
    farm, url = woken
    worker = farm.worker("five", FARM_FAILPOINTS=LONG)
    submission = farm.submit(model)
    farm.in_stage(submission, State.BUILDING)
    build = farm.build(submission).id
    wakeups = CeleryWakeups(url)
    for number in range(1, 6):
        wakeups.wake("five", build)
        until(lambda number=number: wakeups.counts().sent == number)
    with redis.Redis.from_url(url) as client:
        until(lambda: client.llen("farm:five:wakeups") == 0)
    wakeups.close()
    farm.ended(submission)
    assert ends(farm.build(submission).attempts) == [PUBLISHED]
    assert len(farm.engines(submission)) == 1
    farm.retire(worker)


def test_a_build_outlasts_the_visibility_timeout(woken: tuple[Fleet, str], model: Path) -> None:
    farm, _ = woken
    worker = farm.make_worker("patient", FARM_FAILPOINTS=LONG)
    worker.lie = "import worker.consumer; worker.consumer._CONNECTION['visibility_timeout'] = 1"
    worker.start()
    farm.await_worker(worker)
    submission = farm.submit(model)
    farm.ended(submission)
    (only,) = farm.build(submission).attempts
    assert only.end is PUBLISHED
    assert len(farm.engines(submission)) == 1
    farm.retire(worker)


def test_the_whole_memory_of_the_broker_is_lost_again_and_again(woken: tuple[Fleet, str], tmp_path: Path) -> None:
    farm, url = woken
    worker = farm.worker("forgetful")
    with redis.Redis.from_url(url) as client:
        submissions = []
        for seed in range(4):
            submissions.append(farm.submit(net(tmp_path, 7000 + seed)))
            client.flushall()
    for submission in submissions:
        farm.ended(submission)
        assert len(farm.engines(submission)) == 1
    farm.retire(worker)


def test_the_broker_stops_and_starts_empty(tmp_path: Path, postgres: Postgres, model: Path) -> None:
    with postgres.database() as url, private_broker(os.environ) as (first, broker_url):
        port = int(broker_url.rsplit(":", 1)[1])
        with fleet(tmp_path, url, broker_url) as farm:
            farm.worker("box", FARM_FAILPOINTS=LONG)
            running = farm.submit(model)
            farm.in_stage(running, State.BUILDING)
            first.stop()
            # Submitted and done without any broker: the coordinator says that it is down, and goes on.
            without = farm.submit(net(tmp_path, 8001))
            farm.ended(running)
            farm.ended(without)
            with private_broker(os.environ, port) as (_, again):
                assert again == broker_url
                after = farm.submit(net(tmp_path, 8002))
                farm.ended(after)
            for submission in (running, without, after):
                assert ends(farm.build(submission).attempts) == [PUBLISHED], farm.story(submission)
                assert len(farm.engines(submission)) == 1
