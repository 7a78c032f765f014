from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from worker.child.isolate import Limits
from worker.slots import held

from .case import Case, Make


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    with held(tmp_path / "slots", "cpu0") as lock:
        yield lambda what, deadline_s=60.0, memory_bytes=None, name="workspace": Case(
            tmp_path / name, what, Limits(deadline_s, memory_bytes), lock
        )
