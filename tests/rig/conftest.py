"""A farm whose worker finds the rig."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet, fleet
from tests.e2e.process import ROOT


@pytest.fixture(scope="session")
def ahead(tmp_path_factory: pytest.TempPathFactory, rig: Path) -> Iterator[Fleet]:
    """A coordinator and one worker on a machine without a card, on which `tensorrt_rtx` imports."""
    with fleet(tmp_path_factory.mktemp("ahead"), broker_url="none") as made:
        made.worker("box", PYTHONPATH=f"{ROOT}{os.pathsep}{rig}")
        yield made
