"""Fixtures for every package. Imported on Python 3.9 too, so that services are reached only where they are used."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from .support import tried

if TYPE_CHECKING:
    from .support.broker import Broker
    from .support.docker_engine import Engine
    from .support.services import Postgres

_SERVICES = pytest.StashKey["dict[str, set[str]]"]()


def pytest_configure(config: pytest.Config) -> None:
    """Stop the servers of the run in order when it is terminated, as when it is interrupted."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    config.stash[_SERVICES] = {}


def pytest_sessionstart() -> None:
    """Put on the path what `onnxruntime.transformers` puts there when it is imported, and only then.

    A test that has a folder on the path for its time takes away at its end what came there meanwhile; the package would
    be imported still, and its parts would not find each other.
    """
    found = find_spec("onnxruntime")
    for folder in found.submodule_search_locations or () if found else ():
        sys.path.append(str(Path(folder) / "transformers"))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the files of slow tests where a run has several processes, so that none has one left at the end."""
    if hasattr(config, "workerinput"):
        slow = {item.path for item in items if item.get_closest_marker("slow")}
        items.sort(key=lambda item: item.path not in slow)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that reports, where the run has several (`-n`), what this one knows for the report."""
    output: dict[str, object] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["services"] = [(name, sorted(described)) for name, described in session.config.stash[_SERVICES].items()]
        output["tried"] = tried.told()


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take what a process of this run told; one that died told nothing."""
    output = getattr(node, "workeroutput", {})
    for name, described in output.get("services", ()):
        node.config.stash[_SERVICES].setdefault(name, set()).update(described)
    tried.take(output.get("tried", ()))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which servers the tests ran on, and what they really tried of compilers, headers and engines."""
    for name, described in config.stash[_SERVICES].items():
        terminalreporter.write_line(f"{name}: {', '.join(sorted(described))}")
    for line in tried.lines():
        terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def postgres(pytestconfig: pytest.Config) -> Iterator[Postgres]:
    """The PostgreSQL of this run; one that cannot start is an error, never a skip."""
    from .support import services

    with services.postgres(os.environ) as server:
        pytestconfig.stash[_SERVICES].setdefault("postgres", set()).add(server.described)
        yield server


@pytest.fixture(scope="session")
def broker(pytestconfig: pytest.Config) -> Iterator[Broker]:
    """The Redis or Valkey of this run; one that cannot start is an error, never a skip."""
    from .support import broker as brokers

    with brokers.broker(os.environ) as server:
        pytestconfig.stash[_SERVICES].setdefault("broker", set()).add(server.described)
        yield server


@pytest.fixture
def postgres_url(postgres: Postgres) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of this test's own."""
    with postgres.database() as url:
        yield url


@pytest.fixture
def broker_url(broker: Broker) -> str:
    """The URL of an empty database of the broker, this test's own."""
    return broker.database()


_EACH_DATABASE = ["sqlite", pytest.param("postgres", marks=pytest.mark.services)]


@pytest.fixture(params=_EACH_DATABASE)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once for each kind that the farm runs on."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/farm.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture(params=_EACH_DATABASE)
def tables_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with all tables and nothing in them, once for each kind that the farm runs on."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("_sqlite_tables"), tmp_path / "farm.db")
        yield f"sqlite:///{tmp_path}/farm.db"
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.database(request.getfixturevalue("_postgres_tables")) as url:
        yield url


@pytest.fixture(scope="session")
def _sqlite_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from orchestrator.store.migrate import migrate

    path = tmp_path_factory.mktemp("tables") / "farm.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def _postgres_tables(postgres: Postgres) -> Iterator[str]:
    from orchestrator.store.migrate import migrate

    with postgres.database() as url:
        migrate(url)
        yield url


@pytest.fixture(scope="session")
def docker_engine(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Engine]:
    """The Docker engine of this run, shared by its processes; one that cannot start is an error, never a skip.

    `FARM_TEST_DOCKER` names a folder, so that an engine and its images serve several runs that overlap.
    """
    from .support import docker_engine as engines

    own = tmp_path_factory.getbasetemp()
    shared = (own.parent if hasattr(pytestconfig, "workerinput") else own) / "docker"
    with engines.engine(Path(os.environ.get("FARM_TEST_DOCKER") or shared)) as started:
        with started.client() as client:
            described = f"{client.version()['Version']} of {shutil.which('dockerd')}"
        pytestconfig.stash[_SERVICES].setdefault("docker", set()).add(described)
        yield started


@pytest.fixture(scope="session")
def python39() -> Path:
    """A real Python 3.9 in which this checkout is installed with the `worker` extra and the test tools."""
    from .support import python39 as oldest

    return oldest.python39(os.environ)


@pytest.fixture(scope="session")
def silero() -> Path:
    """The folder with the pre-trained models of the silero-vad wheel; fetched on first use and kept."""
    from .support import models

    return models.pretrained_folder(os.environ, models.SILERO)


@pytest.fixture(scope="session")
def rig() -> Path:
    """The folder to search for `tensorrt_rtx`, a real builder; one that cannot be made is an error, never a skip."""
    from .rig import rig as rigs

    return rigs.rig(os.environ)
