from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from .blob_process import BlobProcess
from .doors import Doors, opened


@pytest.fixture(scope="module", params=["short way", "plain uvicorn"])
def blob_server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BlobProcess]:
    """One server for the tests of a module: they use blobs of their own."""
    options = ["--plain"] if request.param == "plain uvicorn" else []
    process = BlobProcess(tmp_path_factory.mktemp("served"), *options)
    yield process
    assert process.stop() == 0


@pytest.fixture
def client(blob_server: BlobProcess) -> Iterator[httpx.Client]:
    with blob_server.client() as client:
        yield client


@pytest.fixture
def short_way(tmp_path: Path) -> Iterator[BlobProcess]:
    """A server of this test's own, in the folder `tmp_path / "store"`."""
    process = BlobProcess(tmp_path / "store")
    yield process
    process.stop()


@pytest.fixture
def doors(tmp_path: Path, tables_url: str) -> Iterator[Doors]:
    """The application on SQLite, and once more on PostgreSQL."""
    with opened(tmp_path / "data", tables_url) as doors:
        yield doors


@pytest.fixture
def small_doors(tmp_path: Path) -> Iterator[Doors]:
    """The application on SQLite only: for what does not touch the database."""
    with opened(tmp_path / "data", f"sqlite:///{tmp_path}/farm.db") as doors:
        yield doors
