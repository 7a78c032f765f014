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


@pytest.fixture(autouse=True)
def _alone(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take out what a test that failed left in a fleet that others share."""
    made = [request.getfixturevalue(name) for name in ("shared", "farm") if name in request.fixturenames]
    before = [set(item.workers) for item in made]
    yield
    for item, known in zip(made, before, strict=True):
        for name in set(item.workers) - known:
            item.retire(item.workers.pop(name))


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model that nobody submitted before."""
    return net(tmp_path, next(_SEEDS))
