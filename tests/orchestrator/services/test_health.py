"""Whether a coordinator is ready: its database answers, and would take an answer."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from farm.protocol.errors import Unavailable
from farm.protocol.states import Scope
from orchestrator.services import health, tokens
from tests.support.coordinator import Coordinator


def test_a_database_that_takes_writes_is_ready(farm: Coordinator) -> None:
    health.check(farm.context)


def test_a_database_that_takes_none_is_not_and_says_so(farm: Coordinator) -> None:
    database = farm.context.database
    with (_frozen_file if database.is_sqlite else _read_only_server)(farm):
        if not database.is_sqlite:
            with pytest.raises(Unavailable, match="the database is read-only"):
                tokens.create(farm.context, "late", Scope.FETCH)
        with pytest.raises(Unavailable, match="the database is read-only"):
            health.check(farm.context)
    health.check(farm.context)
    with suppress(Unavailable):  # by a connection from before
        tokens.create(farm.context, "first", Scope.FETCH)
    assert tokens.create(farm.context, "later", Scope.FETCH).secret


@contextmanager
def _read_only_server(farm: Coordinator) -> Iterator[None]:
    name = farm.context.database.engine.url.database

    def tell(value: str) -> None:
        with farm.context.database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("SET default_transaction_read_only = off"))
            connection.execute(text(f'ALTER DATABASE "{name}" SET default_transaction_read_only = {value}'))
        # Connections that are open keep what they began with.
        farm.context.database.close()

    tell("on")
    try:
        yield
    finally:
        tell("off")


@contextmanager
def _frozen_file(farm: Coordinator) -> Iterator[None]:
    path = Path(make_url(farm.context.database.engine.url).database or "")
    # Root may write whatever the mode of a file says.
    freeze, thaw = (("chattr", "+i"), ("chattr", "-i")) if os.geteuid() == 0 else (("chmod", "444"), ("chmod", "644"))
    done = subprocess.run([*freeze, str(path)], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no file that root cannot write is to be had here: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run([*thaw, str(path)], check=True)
