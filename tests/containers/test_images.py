"""The images of `docker/`, each line of them run on a stand-in for the bases that cannot be pulled here."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import docker
from tests.support import docker_images
from tests.support.docker_engine import Engine

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "docker").glob("*.Dockerfile"))
NAMES = [path.name.split(".")[0] for path in FILES]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_every_kind_of_machine_has_its_image() -> None:
    assert sorted(NAMES) == ["coordinator", "worker", "worker-jetpack5", "worker-jetpack6", "worker-v100"]


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_a_file_is_short_and_its_bases_may_be_pinned(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 80
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["${PYTHON}", "${BASE}"]
    # An invented digest would look as good as a real one.
    assert not re.search(r"sha256:[0-9a-f]", text)


@pytest.mark.parametrize("name", NAMES)
def test_an_image_runs_farm_as_nobody_special(docker_engine: Engine, client: docker.DockerClient, name: str) -> None:
    tag = docker_images.image(docker_engine, name)
    made = client.images.get(tag).attrs["Config"]
    role = name.split("-")[0]
    assert made["User"] == "10001:10001"
    assert made["Healthcheck"]["Test"] == ["CMD", "farm", role, "health"]
    assert (made["Entrypoint"], made["Cmd"]) == (["farm"], [role, "start"])
    assert made["Labels"]["org.opencontainers.image.revision"] == "test"
    said = client.containers.run(tag, ["--version"], network_mode="none", read_only=True, cap_drop=["ALL"], remove=True)
    assert said.startswith(b"farm 0.")
    look = "import os, cmake; print(os.getuid(), os.stat('/data').st_uid, oct(os.stat('/data').st_mode)[-3:])"
    if role == "worker":
        seen = client.containers.run(tag, ["-c", look], entrypoint="python3", network_mode="none", remove=True)
        assert seen == b"10001 10001 700\n"


def test_nothing_but_sources_gets_into_a_build(
    docker_engine: Engine, client: docker.DockerClient, tmp_path: Path
) -> None:
    docker_images.base(docker_engine)
    (tmp_path / ".dockerignore").write_text((ROOT / ".dockerignore").read_text())
    for secret in ("farm.env", ".git/config", "docker/admin.token", "farm/__pycache__/a.pyc", "tests/key", "farm/a.py"):
        (tmp_path / secret).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / secret).write_text("farm_secret")
    (tmp_path / "Dockerfile").write_text(f"FROM {docker_images.BASE}\nCOPY . /context\n")
    built, _ = client.images.build(path=str(tmp_path), network_mode="none", rm=True)
    listed = [
        "-c",
        "import os; print(*[os.path.join(at, name) for at, _, names in os.walk('/context') for name in names])",
    ]
    said = client.containers.run(built, listed, entrypoint="python3", network_mode="none", remove=True)
    assert said.split() == [b"/context/farm/a.py"]
