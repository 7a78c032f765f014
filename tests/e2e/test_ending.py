"""How work ends before its time: cancelled, drained, handed back, left waiting."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.protocol.states import AttemptEnd, State
from tests.farm.cli.processes import start
from tests.support.services import Broker, Postgres
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import until

from .fleet import Fleet, ends, fleet, net
from .process import alive

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]

LONG = "building=pause:30"


@pytest.fixture(scope="module", params=["broker", "no broker"])
def farm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, broker: Broker
) -> Iterator[Fleet]:
    url = broker.database() if request.param == "broker" else "none"
    with postgres.database() as database, fleet(tmp_path_factory.mktemp("ending"), database, url) as made:
        yield made


@pytest.mark.parametrize("fault", ["building=pause:60", "building=hang"])
def test_a_cancel_ends_the_child_within_two_seconds(farm: Fleet, model: Path, fault: str) -> None:
    worker = farm.worker("cancelled", FARM_FAILPOINTS=fault)
    submission = farm.submit(model)
    farm.in_stage(submission, State.BUILDING)
    below = farm.workers["cancelled"].descendants()
    assert below
    with Stopwatch() as watch:
        farm.client.cancel(submission.id)
        until(lambda: not alive(below), 20.0)
    assert watch.own_s < 2.0
    until(lambda: ends(farm.build(submission).attempts) == [AttemptEnd.CANCELLED])
    assert farm.client.status(submission.id).state is State.CANCELLED
    # The slot is free again at once.
    worker.environ.pop("FARM_FAILPOINTS")
    other = farm.submit(model, force=True)
    until(lambda: farm.build(other).attempts, 5.0)
    farm.client.cancel(other.id)
    farm.retire(worker)


def test_one_of_two_who_want_the_same_leaves(farm: Fleet, model: Path) -> None:
    worker = farm.worker("shared-by-two", FARM_FAILPOINTS="building=pause:3")
    one, two = farm.submit(model), farm.submit(model)
    assert farm.build(one).id == farm.build(two).id
    farm.in_stage(one, State.BUILDING)
    farm.client.cancel(one.id)
    assert [item.state for item in farm.ended(two).builds] == [State.DONE]
    assert farm.client.status(one.id).state is State.CANCELLED
    assert ends(farm.build(two).attempts) == [AttemptEnd.PUBLISHED]
    farm.retire(worker)


def test_sigterm_lets_running_work_end_and_claims_no_more(farm: Fleet, model: Path, tmp_path: Path) -> None:
    worker = farm.worker("drained", FARM_FAILPOINTS="building=pause:3")
    running = farm.submit(model)
    farm.in_stage(running, State.BUILDING)
    waiting = farm.submit(net(tmp_path, 9001))
    worker.send(signal.SIGTERM)
    assert worker.wait() == 0
    assert [item.state for item in farm.ended(running).builds] == [State.DONE]
    assert ends(farm.build(running).attempts) == [AttemptEnd.PUBLISHED]
    assert farm.attempts(waiting) == ()
    farm.client.cancel(waiting.id)
    farm.client.devices.retire("drained")


def test_a_second_signal_hands_the_work_back_at_once(farm: Fleet, model: Path) -> None:
    worker = farm.worker("hasty", FARM_FAILPOINTS=LONG)
    submission = farm.submit(model)
    farm.in_stage(submission, State.BUILDING)
    below = worker.descendants()
    worker.send(signal.SIGTERM)
    until(lambda: "a second signal" in worker.said())
    with Stopwatch() as watch:
        worker.send(signal.SIGTERM)
        assert worker.wait() == 0
    assert watch.own_s < 5.0
    assert not alive(below)
    build = farm.build(submission)
    assert (build.state, ends(build.attempts)) == (State.QUEUED, [AttemptEnd.RELEASED])
    heir = farm.worker("heir")
    assert [item.state for item in farm.ended(submission).builds] == [State.DONE]
    farm.client.devices.retire("hasty")
    farm.retire(heir)


def test_the_environment_of_a_live_child_holds_no_secret(farm: Fleet, model: Path) -> None:
    worker = farm.worker("searched", FARM_FAILPOINTS=LONG)
    submission = farm.submit(model)
    farm.in_stage(submission, State.BUILDING)
    secret = worker.environ["FARM_TOKEN"]
    for child in worker.descendants():
        environ = child.environ()
        assert secret not in json.dumps(environ)
        assert not {name for name in environ if name.startswith("FARM_")} - {
            "FARM_CHILD_STAGES",
            "FARM_CHILD_INPUTS",
            "FARM_CHILD_LIFELINE",
            "FARM_CHILD_PARENT",
            "FARM_CHILD_HIDDEN",
            "FARM_FAILPOINTS",
        }
        assert not [item for item in child.net_connections() if item.raddr]
        opened = [os.readlink(item) for item in Path(f"/proc/{child.pid}/fd").iterdir()]
        assert not [item for item in opened if item.startswith("socket:")], opened
    assert secret not in worker.said()
    farm.client.cancel(submission.id)
    farm.retire(worker)


def test_ctrl_c_detaches_and_the_work_goes_on(farm: Fleet, model: Path) -> None:
    worker = farm.worker("left", FARM_FAILPOINTS="building=pause:3")
    environ = {"FARM_URL": farm.url, "FARM_TOKEN": farm._token, "HOME": str(farm.folder)}
    command = ("submit", model, "--targets", "cpu", "--wait", "--no-bench")
    with start(*command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        until(lambda: any(item.name == model.stem for item in farm.client.list()))
        (found,) = farm.client.list(name=model.stem)
        farm.in_stage(found, State.BUILDING)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate(timeout=20)
    assert found.id in out + err
    assert child.returncode == 130
    assert [item.state for item in farm.ended(found).builds] == [State.DONE]
    farm.retire(worker)
