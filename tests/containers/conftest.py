"""The engine of the run, an image with a toolchain that is this checkout alone, and both executors."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

import docker
from farm.device.probe import probe
from farm.protocol.facts import DeviceFacts
from tests.support import docker_images
from tests.support.docker_engine import Engine
from tests.support.locks import only_one
from worker.child.executor import Executor, ProcessExecutor
from worker.containers import engine as engines
from worker.containers.executor import Allowance, ContainerExecutor, Toolchain
from worker.slots import held

from .case import Case

ROOT = Path(__file__).parents[2]
CHILDREN = "farm-test/children:latest"
MIB = 1 << 20
ALLOWANCE = Allowance(memory_bytes=512 * MIB, scratch_bytes=64 * MIB, pids=64, cpus=1.0)
Make = Callable[..., Case]
_DOCKERFILE = f"FROM {docker_images.BASE}\nCOPY . /opt/farm\nENV PYTHONPATH=/opt/farm\n"


@pytest.fixture(scope="session")
def client(docker_engine: Engine) -> Iterator[docker.DockerClient]:
    """A client of the engine."""
    with docker_engine.client() as made:
        yield made


@pytest.fixture(scope="session")
def engine(docker_engine: Engine) -> engines.Engine:
    """The engine, as a worker uses it."""
    return engines.Engine({"DOCKER_HOST": docker_engine.url})


@pytest.fixture(scope="session")
def children(docker_engine: Engine, client: docker.DockerClient) -> str:
    """An image with what a container of a build needs, and the children of these tests: Debian's Python, no package."""
    context = docker_engine.folder / "children"
    docker_images.base(docker_engine)
    with only_one(docker_engine.folder / "children.lock"):
        if not context.exists():
            for name in ("farm", "worker", "tests/containers"):
                shutil.copytree(ROOT / name, context / name, ignore=shutil.ignore_patterns("__pycache__"))
            shutil.copy(ROOT / "tests/__init__.py", context / "tests/__init__.py")
            (context / "Dockerfile").write_text(_DOCKERFILE)
            client.images.build(path=str(context), tag=CHILDREN, network_mode="none", rm=True)
    return CHILDREN


@pytest.fixture(scope="session")
def facts() -> DeviceFacts:
    """What this machine is."""
    return probe()


@pytest.fixture
def contained(engine: engines.Engine, children: str, facts: DeviceFacts, tmp_path: Path) -> ContainerExecutor:
    """The executor of containers."""
    labels = {"farm.test": tmp_path.name}
    environ = {"FARM_TOKEN": "farm_secret", "OMP_NUM_THREADS": "2", "PATH": "/nowhere"}
    return ContainerExecutor(engine, [Toolchain(children, facts)], ALLOWANCE, None, labels, environ)


@pytest.fixture(params=["process", "container"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Make]:
    """Makes children, once as processes and once in containers."""
    with ExitStack() as stack:
        executor: Executor
        if request.param == "process":
            lock = stack.enter_context(held(tmp_path / "slots", "cpu0"))
            environ = {"PATH": "/usr/bin:/bin", "FARM_TOKEN": "farm_secret", "OMP_NUM_THREADS": "2"}
            executor = ProcessExecutor(lock, environ)
        else:
            executor = request.getfixturevalue("contained")
        yield lambda what, **limits: Case(executor, tmp_path / "w" / what, what, **limits)
