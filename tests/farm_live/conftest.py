"""A coordinator alone, and a whole farm with a worker, each once for a module."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .live import Live, farm_up


@pytest.fixture(autouse=True)
def _no_settings_of_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("FARM_", "XDG_"))]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def coordinator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A coordinator without any worker; the command asks it as its administrator."""
    with farm_up(tmp_path_factory.mktemp("coordinator"), "--no-worker", "--no-broker") as live:
        yield live


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A whole farm: coordinator, broker, and a worker for this machine."""
    with farm_up(tmp_path_factory.mktemp("farm")) as live:
        yield live
