from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from orchestrator.settings import Settings
from tests.support.backups import elsewhere, with_clients
from tests.support.coordinator import Coordinator, coordinator


@dataclass(frozen=True)
class Place:
    """A farm, where it lies, and where it may be restored to."""

    farm: Coordinator
    here: Settings
    there: Settings
    environ: dict[str, str]


@pytest.fixture
def place(request: pytest.FixtureRequest, tables_url: str, tmp_path: Path) -> Iterator[Place]:
    """A farm on each kind of database."""
    postgres = None if tables_url.startswith("sqlite") else request.getfixturevalue("postgres")
    here, there = tmp_path / "here", tmp_path / "there"
    there.mkdir()
    with coordinator(tables_url, here) as farm, elsewhere(there, postgres) as url:
        yield Place(farm, Settings(here, tables_url), Settings(there, url), with_clients(postgres))
