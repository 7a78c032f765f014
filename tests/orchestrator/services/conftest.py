from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.coordinator import Coordinator, coordinator


@pytest.fixture
def farm(tables_url: str, tmp_path: Path) -> Iterator[Coordinator]:
    """A coordinator on each kind of database."""
    with coordinator(tables_url, tmp_path) as made:
        yield made
