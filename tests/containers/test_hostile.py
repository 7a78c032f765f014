"""A plugin or model that turns on the machine, in a container of a real engine: it gets nowhere, nothing is left."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import docker
from tests.support import docker_engine as engines
from tests.support.waiting import until
from worker.containers.engine import Engine
from worker.containers.executor import ContainerExecutor

from .case import PATIENCE_S, Case
from .conftest import ALLOWANCE, MIB, ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def run(contained: ContainerExecutor, tmp_path: Path) -> Case:
    """A child that has not been started; what it does is written into its specification."""
    return Case(contained, tmp_path / "w", "nothing")


def does(case: Case, what: str) -> Case:
    (case.workspace / "spec.json").write_text(json.dumps(what))
    assert case.run().status == 0, case.text
    return case


def test_it_has_no_network(run: Case) -> None:
    assert does(run, "go out").told() == {
        "interfaces": ["lo"],
        "address": "Network is unreachable",
        "name": "no such name",
        "engine": [],
    }


def test_it_changes_nothing_outside_and_becomes_nobody_else(run: Case) -> None:
    before = sorted(path.name for path in run.workspace.iterdir())
    told = does(run, "write outside").told()
    refused = "Read-only file system"
    assert {name: told[name] for name in ("root", "library", "input", "spec", "beside", "kernel")} == dict.fromkeys(
        ("root", "library", "input", "spec", "beside", "kernel"), refused
    )
    assert {told["mount"], told["root user"]} == {"Operation not permitted"}
    # Its first process is ours: not to be read, and signals from inside do not reach it.
    assert (told["runner"], told["kill"]) == ("Permission denied", "done")
    assert int(told["rights"], 16) == 0
    assert 0 not in told["ids"]
    assert (run.workspace / "input/model.onnx").read_text() == "model"
    assert sorted(path.name for path in run.workspace.iterdir()) == before


def test_it_cannot_fill_a_disk(run: Case) -> None:
    told = does(run, "fill").told()
    assert {place: error for place, (_, error) in told.items()} == {
        **dict.fromkeys(("/workspace/output", "/tmp", "/dev/shm"), "No space left on device"),
    }
    written = sum(size for size, _ in told.values()) * MIB
    assert written <= ALLOWANCE.scratch_bytes + 2 * (64 * MIB)


def test_it_has_so_many_processes_and_no_more(run: Case) -> None:
    assert 16 < does(run, "count").told() < ALLOWANCE.pids


def test_a_fork_bomb_is_cancelled_as_anything_is(run: Case) -> None:
    (run.workspace / "spec.json").write_text('"fork"')
    run.child.start()
    run.await_line("forking")
    run.child.kill("cancelled")
    assert run.child.wait().status is None


def test_what_is_no_file_of_its_own_stays_inside(run: Case) -> None:
    does(run, "link out")
    assert sorted(path.name for path in (run.workspace / "output").iterdir()) == ["plain"]
    assert not (run.workspace / "result.json").exists()


def left(client: docker.DockerClient, label: str) -> list[str]:
    found = client.containers.list(all=True, filters={"label": label}, ignore_removed=True)
    return [container.short_id for container in found]


def test_nothing_outlives_a_worker_that_is_killed(
    docker_engine: engines.Engine, client: docker.DockerClient, children: str, tmp_path: Path
) -> None:
    code = f"""
from pathlib import Path
from farm.device.probe import probe
from tests.containers.case import Case
from tests.containers.conftest import ALLOWANCE
from worker.containers.engine import Engine
from worker.containers.engine import Engine
from worker.containers.executor import ContainerExecutor, Toolchain
toolchain = Toolchain({children!r}, probe())
engine = Engine({{"DOCKER_HOST": {docker_engine.url!r}}})
made = ContainerExecutor(engine, [toolchain], ALLOWANCE, None, {{"killed": "1"}}, {{}})
case = Case(made, Path("w").resolve(), "hold on")
case.child.start()
case.await_line("holding on")
print("ready", flush=True)
case.child.wait()
"""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path, env=environ, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"ready\n"
        assert len(left(client, "killed")) == 1
        worker.kill()
    until(lambda: not left(client, "killed"), PATIENCE_S)


def test_a_worker_sweeps_what_an_earlier_one_left_and_nothing_else(
    client: docker.DockerClient, engine: Engine, children: str, tmp_path: Path
) -> None:
    sleep = ["-c", "import time; time.sleep(600)"]
    for value in (tmp_path.name, "another"):
        client.containers.run(
            children, sleep, entrypoint="python3", detach=True, network_mode="none", labels={"farm.test": value}
        )
    assert engine.remove({"farm.test": tmp_path.name}) == 1
    assert not left(client, f"farm.test={tmp_path.name}")
    (other,) = client.containers.list(filters={"label": "farm.test=another"})
    other.remove(force=True)
    assert engine.remove({"farm.test": tmp_path.name}) == 0
