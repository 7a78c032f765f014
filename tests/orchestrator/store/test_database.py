"""Connections that a real PostgreSQL cuts, between two transactions and within one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from sqlalchemy import text

from farm.protocol.errors import Unavailable
from orchestrator.store.database import Connection, Database
from tests.support.services import private_postgres

pytestmark = [pytest.mark.services, pytest.mark.fault]

_OPEN = 5


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """A database with some open connections that were used a moment ago."""
    made = Database(postgres_url)
    _use(made)
    yield made
    made.close()


def _use(database: Database) -> None:
    with ExitStack() as stack:
        for _ in range(_OPEN):
            assert _asked(stack.enter_context(database.read())) == 1


def _asked(connection: Connection) -> int:
    return int(connection.execute(text("SELECT 1")).scalar_one())


def terminate_all(url: str) -> int:
    """End every connection to a database but the one that asks, and wait until they are gone; how many there were."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    clients = f"{others} AND backend_type = 'client backend'"
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        told = connection.execute(f"SELECT pid, pg_terminate_backend(pid, 5000) {clients}").fetchall()
        # It is false for one that outlasted the wait, and for one that its client closed a moment before.
        unsure = [pid for pid, ended in told if not ended]
        left = connection.execute(f"SELECT pid {clients} AND pid = ANY(%s)", [unsure]).fetchall()
    assert left == []
    return len(told)


def test_connections_that_were_cut_a_moment_ago_are_replaced_unnoticed(database: Database, postgres_url: str) -> None:
    assert terminate_all(postgres_url) == _OPEN
    _use(database)
    assert terminate_all(postgres_url) == _OPEN
    with database.write() as connection:
        assert _asked(connection) == 1


def test_what_was_under_way_is_refused_in_a_sentence_and_can_be_repeated(database: Database, postgres_url: str) -> None:
    def add(cut: bool) -> None:
        with database.write() as connection:
            connection.execute(text("INSERT INTO number VALUES (1)"))
            if cut:
                terminate_all(postgres_url)
            connection.execute(text("INSERT INTO number VALUES (2)"))

    with database.write() as connection:
        connection.execute(text("CREATE TABLE number (value INTEGER)"))
    with pytest.raises(Unavailable, match=r"the database does not answer: .*terminat") as refused:
        add(cut=True)
    assert "\n" not in str(refused.value)
    add(cut=False)
    with database.read() as connection:
        assert connection.execute(text("SELECT value FROM number ORDER BY value")).scalars().all() == [1, 2]


def test_a_server_that_is_away_is_told_and_the_first_transaction_after_it_came_back_succeeds() -> None:
    with private_postgres(os.environ) as server:
        database = Database(server.url)
        try:
            _use(database)
            server.halt()
            for _ in range(2 * _OPEN):
                with pytest.raises(Unavailable, match="the database does not answer"), database.read():
                    raise AssertionError("there is no server")
            server.begin()
            _use(database)
        finally:
            database.close()
