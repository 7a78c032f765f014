"""Whole farms: images that work together, and a worker of this machine whose builds run in containers."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.models.containers import Container

import docker
from farm.protocol.report import Verdict
from farm.protocol.states import State
from tests.e2e.fleet import Fleet, fleet, net
from tests.support import docker_images
from tests.support.docker_engine import Engine
from tests.support.waiting import until

from .case import PATIENCE_S

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

QUICK = ("--duration", "0.05", "--iterations", "5", "--max-cv", "100000")
_COMMAND = "from farm.cli.main import main; main()"
_SEEDS = itertools.count(1000)
_SECOND_NS = 1_000_000_000
# The least that both need; asked more often than in the image, so that a test need not wait.
_HARD: dict[str, Any] = {
    "read_only": True,
    "tmpfs": {"/tmp": "", "/data": "uid=10001,gid=10001,mode=0700"},
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
}


def health(container: Container) -> str:
    container.reload()
    return str(container.attrs["State"]["Health"]["Status"])


def often(role: str) -> dict[str, object]:
    asked = ["CMD", "farm", role, "health"]
    return {"test": asked, "interval": 4 * _SECOND_NS, "timeout": 60 * _SECOND_NS, "retries": 3}


def test_a_coordinator_and_a_worker_in_containers_serve_a_submission(
    docker_engine: Engine, client: docker.DockerClient, tmp_path: Path
) -> None:
    images = {name: docker_images.image(docker_engine, name) for name in ("coordinator", "worker")}
    network = client.networks.create("farm-pair")
    started: list[Container] = []
    try:
        coordinator = client.containers.run(
            images["coordinator"],
            network="farm-pair",
            name="farm",
            healthcheck=often("coordinator"),
            detach=True,
            **_HARD,
        )
        started.append(coordinator)
        until(lambda: health(coordinator) == "healthy", PATIENCE_S, "the coordinator is not healthy")
        token = coordinator.exec_run(["cat", "/data/admin.token"]).output
        assert isinstance(token, bytes)
        address = coordinator.attrs["NetworkSettings"]["Networks"]["farm-pair"]["IPAddress"]
        environ = {"FARM_URL": f"http://{address}:8300", "FARM_TOKEN": token.decode().strip()}

        def farm(*arguments: str | Path) -> str:
            command = [*docker_engine.inside, sys.executable, "-c", _COMMAND, *map(str, arguments)]
            kept = {name: value for name, value in os.environ.items() if not name.startswith("FARM_")}
            done = subprocess.run(command, env={**kept, **environ}, capture_output=True, text=True, timeout=300)
            assert done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
            return done.stdout

        secret = farm("token", "create", "worker", "--scope", "worker").strip()
        given = {"FARM_URL": "http://farm:8300", "FARM_TOKEN": secret}
        worker = client.containers.run(
            images["worker"], network="farm-pair", environment=given, healthcheck=often("worker"), detach=True, **_HARD
        )
        started.append(worker)
        until(lambda: health(worker) == "healthy", PATIENCE_S, "the worker is not healthy")
        farm("submit", net(tmp_path), "--targets", "cpu", "--watch", *QUICK)
        coordinator.stop(timeout=20)
        assert coordinator.wait()["StatusCode"] == 0
        worker.stop(timeout=20)
        assert worker.wait()["StatusCode"] == 0
    finally:
        for container in started:
            container.remove(force=True, v=True)
        network.remove()


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet(tmp_path_factory.mktemp("contained"), broker_url="none") as made:
        yield made


def boxes(client: docker.DockerClient) -> list[Container]:
    found: list[Container] = client.containers.list(all=True, filters={"label": "farm.worker"}, ignore_removed=True)
    return found


def in_containers(farm: Fleet, engine: Engine, name: str, **environ: str) -> None:
    image = docker_images.image(engine, "worker")
    flags = ("--executor", "container", "--images", image)
    told = {"FARM_WORKER_SCRATCH_BYTES": str(256 << 20), "DOCKER_HOST": engine.url, **environ}
    made = farm.make_worker(name, *flags, **told)
    made.start()
    until(lambda: made.serves or not made.running, PATIENCE_S, f"it does not serve: {made.said()}")
    assert made.running, made.said()


def test_a_worker_prepares_and_builds_in_containers_and_leaves_none(
    farm: Fleet, docker_engine: Engine, client: docker.DockerClient, tmp_path: Path
) -> None:
    in_containers(farm, docker_engine, "boxed")
    facts = farm.client.devices.show("boxed").facts
    assert {item.image.name for item in facts.backends if item.image} == {"farm-test/worker:latest"}
    ended = farm.ended(farm.submit(net(tmp_path, next(_SEEDS))), 300)
    assert [item.state for item in ended.builds] == [State.DONE], farm.story(ended)
    (engine,) = farm.engines(ended)
    assert engine.verdict == Verdict.PASSED
    assert boxes(client) == []
    farm.retire(farm.workers.pop("boxed"))


def test_a_worker_that_is_killed_leaves_no_container_and_its_work_is_done_by_the_next(
    farm: Fleet, docker_engine: Engine, client: docker.DockerClient, tmp_path: Path
) -> None:
    in_containers(farm, docker_engine, "killed", FARM_FAILPOINTS="building=pause:600")
    submitted = farm.submit(net(tmp_path, next(_SEEDS)))
    farm.in_stage(submitted, State.BUILDING)
    assert len(boxes(client)) == 1
    farm.workers.pop("killed").kill()
    until(lambda: not boxes(client), PATIENCE_S, "its container was left")
    in_containers(farm, docker_engine, "next")
    ended = farm.ended(submitted, 300)
    assert [item.state for item in ended.builds] == [State.DONE], farm.story(ended)
    farm.retire(farm.workers.pop("next"))
