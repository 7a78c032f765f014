"""Copies of whole databases: as they are at one moment, and back."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, create_engine, inspect, make_url, select, text

from farm.protocol.errors import CoordinatorError, Unavailable

from .database import Database

T = TypeVar("T")

_CLIENT = "Install the client programs of PostgreSQL, of the server's version or newer."


def kind_of(url: str) -> str:
    """`sqlite` or `postgresql`: copies of the one are none of the other."""
    return make_url(url).get_backend_name()


def is_empty(url: str) -> bool:
    """True where a database has no tables, or is not there.

    Raises: Unavailable
    """
    path = make_url(url).database
    if kind_of(url) == "sqlite" and not (path and os.path.exists(path)):
        return True
    database = Database(url)
    try:
        with database.read() as connection:
            return not inspect(connection).get_table_names()
    finally:
        database.close()


def dump(url: str, path: Path, environ: Mapping[str, str], look: Callable[[Connection], T]) -> T:
    """Write a copy of a database that others write to, and return what `look` finds in it at the very same moment.

    Raises: Unavailable. CoordinatorError: `pg_dump` is not there, or failed.
    """
    database = Database(url)
    try:
        if database.is_sqlite:
            return _dump_sqlite(database, path, look)
        with database.read() as connection:
            # Seen by `pg_dump` as by this transaction, for as long as this one lasts.
            snapshot = connection.execute(select(text("pg_export_snapshot()"))).scalar_one()
            _run(url, environ, "pg_dump", ["--format=custom", f"--snapshot={snapshot}", f"--file={path}"])
            return look(connection)
    finally:
        database.close()


def load(url: str, path: Path, environ: Mapping[str, str], look: Callable[[Connection], T]) -> T:
    """Make a database from a copy, whole or not at all, and return what `look` finds in it; it must be empty.

    Raises: Unavailable. CoordinatorError: `pg_restore` is not there, or failed.
    """
    if kind_of(url) == "sqlite":
        target = Path(make_url(url).database or "")
        part = target.with_name(target.name + ".part")
        shutil.copyfile(path, part)
        found = look_into(part, look)
        part.rename(target)
        return found
    _run(url, environ, "pg_restore", ["--single-transaction", "--exit-on-error", str(path)])
    database = Database(url)
    try:
        with database.read() as connection:
            return look(connection)
    finally:
        database.close()


def look_into(path: Path, look: Callable[[Connection], T]) -> T:
    """What `look` finds in a copy of an SQLite database, which stays as it is."""
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            return look(connection)
    finally:
        engine.dispose()


def _dump_sqlite(database: Database, path: Path, look: Callable[[Connection], T]) -> T:
    # One reading transaction, however long it takes; SQLite's backup interface begins again with each commit.
    with database.engine.connect() as connection:
        connection.execute(text("VACUUM INTO :path"), {"path": str(path)})
    return look_into(path, look)


def _run(url: str, environ: Mapping[str, str], program: str, arguments: Sequence[str]) -> None:
    found = shutil.which(program, path=environ.get("PATH"))
    if found is None:
        raise CoordinatorError(f"there is no {program} on the PATH", _CLIENT)
    address = make_url(url).set(drivername="postgresql")
    # Every user of the machine sees the arguments of a process.
    secret = {"PGPASSWORD": str(address.password)} if address.password else {}
    # `set` reads None as "as it was".
    named = address._replace(password=None).render_as_string()
    command = [found, "--no-owner", "--no-privileges", f"--dbname={named}", *arguments]
    done = subprocess.run(command, env={**environ, **secret}, capture_output=True, text=True)
    if done.returncode:
        told = done.stderr.strip().splitlines()[:1] or [f"exit status {done.returncode}"]
        if "connection to server" in told[0]:
            raise Unavailable(f"the database does not answer: {told[0]}", "Try again.")
        raise CoordinatorError(f"{program} failed: {told[0]}", _CLIENT if "version mismatch" in done.stderr else "")
