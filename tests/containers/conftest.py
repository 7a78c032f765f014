"""The engine of the run, with a client of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import docker
from tests.support.docker_engine import Engine


@pytest.fixture(scope="session")
def client(docker_engine: Engine) -> Iterator[docker.DockerClient]:
    """A client of the engine."""
    with docker_engine.client() as made:
        yield made
