from __future__ import annotations

from pathlib import Path

import pytest

from ..engines import bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A fetched engine."""
    return bundle(tmp_path / "net")
