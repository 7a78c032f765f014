from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.coordinator import Coordinator, coordinator

from .upgraded import Upgraded, upgraded


@pytest.fixture
def fleet(_sqlite_tables: Path, tmp_path: Path) -> Iterator[Upgraded]:
    """Two machines, and nothing built."""
    shutil.copy(_sqlite_tables, tmp_path / "farm.db")
    with coordinator(f"sqlite:///{tmp_path}/farm.db", tmp_path) as farm:
        yield upgraded(farm)


@pytest.fixture
def anywhere(farm: Coordinator) -> Upgraded:
    """The same on each kind of database: for tests that ask it all that campaigns do."""
    return upgraded(farm)
