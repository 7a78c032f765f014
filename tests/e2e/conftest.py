"""Fleets that several tests share: on real PostgreSQL and a real broker, embedded, and without any broker."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.services import Broker, Postgres

from .fleet import Fleet, fleet, net

_SEEDS = itertools.count(os.getpid())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, broker: Broker) -> Iterator[Fleet]:
    """A fleet without workers on PostgreSQL and a broker, for one module of tests."""
    with postgres.database() as url, fleet(tmp_path_factory.mktemp("fleet"), url, broker.database()) as made:
        yield made


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that nobody submitted before."""
    return net(tmp_path, next(_SEEDS))
