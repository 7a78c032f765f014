from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.blobs.disk import DiskStore
from orchestrator.services.blob_collect import Collected, collect, unreferenced


class Wall:
    now_s = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def store(tmp_path: Path, wall: Wall) -> Iterator[DiskStore]:
    store = DiskStore(tmp_path, reserve_bytes=0, clock=wall)
    yield store
    store.close()


def test_what_nothing_refers_to_goes(store: DiskStore, wall: Wall) -> None:
    wanted, unwanted = store.put_bytes(b"wanted").sha256, store.put_bytes(b"unwanted").sha256
    wall.now_s += 100
    young = store.put_bytes(b"young").sha256
    assert [stat.sha256 for stat in unreferenced(store, {wanted}.__contains__, 100)] == [unwanted]
    assert collect(store, {wanted}.__contains__, 100, dry_run=True) == Collected(1, 8)
    assert store.exists(unwanted)
    assert collect(store, {wanted}.__contains__, 100) == Collected(1, 8)
    assert [store.exists(sha256) for sha256 in (wanted, unwanted, young)] == [True, False, True]


def test_a_blob_kept_while_it_is_judged_stays(store: DiskStore, wall: Wall) -> None:
    sha256 = store.put_bytes(b"wanted again").sha256
    wall.now_s += 100

    def kept_meanwhile(asked: str) -> bool:
        assert store.keep(asked)
        return False

    assert collect(store, kept_meanwhile, 100) == Collected(0, 0)
    assert store.exists(sha256)


def test_a_submit_that_was_told_yes_never_loses_its_blob(store: DiskStore, wall: Wall) -> None:
    """Submits that ask `keep`, then commit a reference, race a collector that never stops."""
    digests = [store.put_bytes(str(number).encode()).sha256 for number in range(200)]
    wall.now_s += 100
    referenced: set[str] = set()
    refused: set[str] = set()
    done = threading.Event()

    def collector() -> None:
        while not done.is_set():
            collect(store, referenced.__contains__, 100)

    def submits(mine: list[str]) -> None:
        for sha256 in mine:
            (referenced if store.keep(sha256) else refused).add(sha256)

    sweeping = threading.Thread(target=collector)
    submitting = [threading.Thread(target=submits, args=(digests[start::4],)) for start in range(4)]
    for thread in (*submitting, sweeping):
        thread.start()
    for thread in submitting:
        thread.join()
    done.set()
    sweeping.join()
    assert referenced | refused == set(digests)
    assert {sha256 for sha256 in digests if store.exists(sha256)} == referenced
