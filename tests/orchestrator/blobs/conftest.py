from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orchestrator.blobs.disk import DiskStore
from tests.support.tmpfs import tmpfs


class SteppedClock:
    """Wall time that moves only when a test moves it."""

    def __init__(self) -> None:
        self.now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s

    def step(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
def reopen(tmp_path: Path, clock: SteppedClock) -> Iterator[Callable[[], DiskStore]]:
    """Opens the store of this test anew, as a restarted coordinator does: nothing of an earlier one is told to it."""
    with ExitStack() as stores:

        def opened() -> DiskStore:
            store = DiskStore(tmp_path / "store", reserve_bytes=0, clock=clock)
            stores.callback(store.close)
            return store

        yield opened


@pytest.fixture
def store(reopen: Callable[[], DiskStore]) -> DiskStore:
    return reopen()


@pytest.fixture
def small_disk(tmp_path: Path, clock: SteppedClock) -> Iterator[DiskStore]:
    """A store on a disk of 8 MiB."""
    with tmpfs(tmp_path / "small", size_bytes=8 << 20) as disk:
        store = DiskStore(disk.path, reserve_bytes=0, clock=clock)
        yield store
        store.close()
