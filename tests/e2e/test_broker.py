"""The broker is a wake-up call: what it loses, repeats or forgets changes nothing but the moment."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import redis
from celery import Celery

from farm.protocol.states import AttemptEnd, State
from farm.protocol.views import SubmissionView
from farm.protocol.wakeup import QUEUE, prefix_of
from orchestrator.queue.celery_wakeups import CeleryWakeups
from tests.support.services import Postgres, private_broker
from tests.support.waiting import until

from .fleet import Fleet, fleet, net
from .history import landed, long, now

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]

LONG = long(State.BUILDING)
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


@pytest.fixture
def wakeups(woken: tuple[Fleet, str]) -> Iterator[CeleryWakeups]:
    """Wakes as the coordinator does, beside it."""
    made = CeleryWakeups(woken[1])
    yield made
    made.close()


def wake(wakeups: CeleryWakeups, device: str, build: str) -> datetime:
    """Send one wake-up; the moment at which the broker had it."""
    sent = wakeups.counts().sent
    wakeups.wake(device, build)
    until(lambda: wakeups.counts().sent > sent)
    return now()


def one_attempt(farm: Fleet, submission: SubmissionView, *faults: datetime) -> None:
    """Prove by the only attempt that the faults came in the midst of a long build, and made no difference."""
    farm.ended(submission)
    (only,) = farm.build(submission).attempts
    assert only.end is PUBLISHED, farm.story(submission)
    landed(only, State.BUILDING, *faults)
    assert len(farm.engines(submission)) == 1


def test_one_message_delivered_five_times_builds_once(
    woken: tuple[Fleet, str], wakeups: CeleryWakeups, model: Path
) -> None:
    farm, url = woken
    worker = farm.worker("five", FARM_FAILPOINTS=LONG)
    submission = farm.submit(model)
    farm.in_stage(submission, State.BUILDING)
    build = farm.build(submission).id
    sent = [wake(wakeups, "five", build) for _ in range(5)]
    one_attempt(farm, submission, *sent)
    with redis.Redis.from_url(url) as client:
        until(lambda: client.llen("farm:five:wakeups") == 0)
    farm.retire(worker)


def test_a_build_outlasts_the_visibility_timeout(woken: tuple[Fleet, str], wakeups: CeleryWakeups, model: Path) -> None:
    farm, url = woken
    worker = farm.make_worker("patient", FARM_FAILPOINTS=LONG)
    # The timeout is over within a second and looked at each second, in place of an hour and each two minutes.
    short = "visibility_timeout=1, unacked_restore_interval=1, unacked_restore_throttle=1"
    worker.lie = f"import worker.consumer; worker.consumer._CONNECTION.update({short})"
    worker.start()
    farm.await_worker(worker)
    submission = farm.submit(model)
    farm.in_stage(submission, State.BUILDING)
    begun = now()
    with redis.Redis.from_url(url) as client:
        leave_unacknowledged(url, client, wakeups, "patient", farm.build(submission).id)
        until(lambda: not client.exists("farm:patient:unacked"), told="nothing was given out again")
    one_attempt(farm, submission, begun, now())
    farm.retire(worker)


def leave_unacknowledged(url: str, client: redis.Redis, wakeups: CeleryWakeups, device: str, build: str) -> None:
    """Have a wake-up in the broker that a consumer of the device took and never acknowledged."""
    # Taken under another name, since the device itself would be faster.
    wake(wakeups, "nobody", build)
    app = Celery("farm", broker=url, set_as_current=False)
    options = {"global_keyprefix": prefix_of("nobody")}
    with app, app.connection_for_read(url, transport_options=options) as connection:
        channel = connection.channel()
        channel.do_restore = False
        assert channel.basic_get(QUEUE) is not None
        for kept in ("unacked", "unacked_index"):
            assert client.renamenx(prefix_of("nobody") + kept, prefix_of(device) + kept)


def test_the_whole_memory_of_the_broker_is_lost_again_and_again(
    woken: tuple[Fleet, str], wakeups: CeleryWakeups, model: Path, tmp_path: Path
) -> None:
    farm, url = woken
    worker = farm.worker("forgetful", FARM_FAILPOINTS=LONG)
    submission = farm.submit(model)
    farm.in_stage(submission, State.BUILDING)
    build = farm.build(submission).id
    lost, others = [], []
    with redis.Redis.from_url(url) as client:
        for seed in range(3):
            others.append(farm.submit(net(tmp_path, 7000 + seed)))
            wake(wakeups, "forgetful", build)
            wake(wakeups, "nobody", build)
            assert client.dbsize() > 0
            client.flushall()
            lost.append(now())
            assert client.dbsize() == 0
    one_attempt(farm, submission, *lost)
    for other in others:
        one_attempt(farm, other)
    farm.retire(worker)


def test_the_broker_stops_and_starts_empty(tmp_path: Path, postgres: Postgres, model: Path) -> None:
    with postgres.database() as url, private_broker(os.environ) as (first, broker_url):
        port = int(broker_url.rsplit(":", 1)[1])
        with fleet(tmp_path, url, broker_url) as farm:
            farm.worker("box", FARM_FAILPOINTS=LONG)
            running = farm.submit(model)
            farm.in_stage(running, State.BUILDING)
            first.stop()
            stopped = now()
            # Submitted and done without any broker: the coordinator says that it is down, and goes on.
            without = farm.submit(net(tmp_path, 8001))
            farm.ended(running)
            farm.ended(without)
            with private_broker(os.environ, port) as (_, again):
                assert again == broker_url
                after = farm.submit(net(tmp_path, 8002))
                farm.ended(after)
            one_attempt(farm, running, stopped)
            for submission in (without, after):
                one_attempt(farm, submission)
