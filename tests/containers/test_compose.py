"""The farm of `deploy/compose`, started by its script: a model goes in, Prometheus watches, and nothing is left."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.fleet import net
from tests.support import docker_images, stand_ins
from tests.support.docker_engine import Engine
from tests.support.programs import needed
from tests.support.waiting import until

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "deploy/compose"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True)
class Composed:
    """What a user of `deploy/compose` has: its calls, and the network in which it publishes its ports."""

    engine: Engine
    folder: Path
    environ: dict[str, str] = field(repr=False)

    def call(self, *command: str | Path) -> str:
        """What a command says, in the folder and the environment of the user."""
        done = subprocess.run(command, cwd=COMPOSE, env=self.environ, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{command}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def compose(self, *arguments: str) -> str:
        """What Compose says."""
        return self.call("docker-compose", "--env-file", self.folder / "secrets/farm.env", *arguments)

    def asked(self, url: str) -> str:
        """What an address of the machine answers, where its ports are."""
        told = f"import urllib.request; print(urllib.request.urlopen({url!r}, timeout=20).read().decode())"
        return self.call(*self.engine.inside, sys.executable, "-c", told)

    def farm(self, *arguments: str | Path) -> str:
        """What the command of a user says."""
        code = "from farm.cli.main import main; main()"
        return self.call(*self.engine.inside, sys.executable, "-c", code, *arguments)


@pytest.fixture(scope="module")
def composed(docker_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composed]:
    needed("docker-compose", "docker-compose")
    folder = tmp_path_factory.mktemp("composed")
    images = {
        "COORDINATOR": docker_images.image(docker_engine, "coordinator"),
        "WORKER": docker_images.image(docker_engine, "worker"),
        "POSTGRES": stand_ins.postgres(docker_engine),
        "REDIS": stand_ins.redis(docker_engine),
        "PROMETHEUS": stand_ins.prometheus(docker_engine),
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FARM_", "COMPOSE_", "DOCKER_"))}
    environ = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "DOCKER_HOST": docker_engine.url,
        "COMPOSE_PROJECT_NAME": "farm",
        "FARM_SECRETS": str(folder / "secrets"),
        **{f"FARM_{name}_IMAGE": tag for name, tag in images.items()},
    }
    made = Composed(docker_engine, folder, environ)
    try:
        try:
            made.call(COMPOSE / "start.sh")
        except AssertionError as error:
            # What Compose says of a service that does not come is that it does not come.
            raise AssertionError(f"{error}\n{made.compose('logs', '--no-color', '--tail', '40')}") from None
        token = made.compose("exec", "-T", "coordinator", "cat", "/data/admin.token").strip()
        environ.update(FARM_URL="http://127.0.0.1:8300", FARM_TOKEN=token, HOME=str(folder))
        yield made
    finally:
        if (folder / "secrets/farm.env").exists():
            made.compose("down", "--volumes", "--timeout", "10")


def test_a_model_goes_in_and_an_engine_comes_out(composed: Composed, tmp_path: Path) -> None:
    until(lambda: '"cpu"' in composed.farm("devices", "list", "--json"), 120, "the worker does not come")
    quick = ("--duration", "0.05", "--iterations", "5", "--max-cv", "100000")
    model = net(tmp_path)
    told = json.loads(composed.farm("submit", model, "--targets", "cpu", "--wait", "--json", *quick))
    assert [item["state"] for item in told["builds"]] == ["done"]
    composed.farm("fetch", model.stem, "-o", tmp_path / "engine")
    assert (tmp_path / "engine/manifest.json").exists()


def test_prometheus_reads_the_farm_and_knows_the_alerts(composed: Composed) -> None:
    def up() -> bool:
        targets = json.loads(composed.asked("http://127.0.0.1:9090/api/v1/targets"))["data"]["activeTargets"]
        return {(item["labels"]["job"], item["health"]) for item in targets} == {("farm", "up"), ("prometheus", "up")}

    until(up, 60, "Prometheus does not reach the farm")
    rules = json.loads(composed.asked("http://127.0.0.1:9090/api/v1/rules"))["data"]["groups"]
    assert "FarmReadOnly" in {rule["name"] for group in rules for rule in group["rules"]}


def test_the_farm_is_the_same_after_its_machine_was_off(composed: Composed) -> None:
    before = composed.farm("devices", "list", "--json")
    composed.compose("kill")
    composed.call(COMPOSE / "start.sh")
    assert json.loads(composed.farm("devices", "list", "--json"))["devices"][0]["id"] in before


def test_secrets_are_no_arguments_and_nothing_runs_as_root(composed: Composed, docker_engine: Engine) -> None:
    told = (composed.folder / "secrets/farm.env").read_text()
    secrets = [line.split("=", 1)[1] for line in told.splitlines()]
    assert len(secrets) == 4
    assert all(len(secret) > 20 for secret in secrets)
    assert (composed.folder / "secrets/farm.env").stat().st_mode & 0o077 == 0
    with docker_engine.client() as client:
        running = client.containers.list()
        assert len(running) == 5
        for container in running:
            processes = container.top(ps_args="-eo uid,pid,args")["Processes"]
            assert not [line for line in processes for secret in secrets if secret in str(line)]
            assert "0" not in {line[0] for line in processes}, container.name
            if container.labels["com.docker.compose.service"] in ("coordinator", "worker"):
                host = container.attrs["HostConfig"]
                assert (host["ReadonlyRootfs"], host["CapDrop"]) == (True, ["ALL"])


def test_cards_and_grafana_come_when_they_are_asked_for(composed: Composed) -> None:
    # Five run, as the test above counts.
    assert re.search(r"profiles:\n\s+- grafana\n", composed.compose("config"))
    with_cards = composed.compose("-f", "docker-compose.yml", "-f", "gpu.yml", "config")
    assert "driver: nvidia" in with_cards
    assert "driver: nvidia" not in composed.compose("config")
