from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from farm.protocol.errors import BlobCorrupt
from orchestrator.blobs.disk import DiskStore
from orchestrator.blobs.scrub import Corruption, Scrub

from .conftest import SteppedClock


class Waits:
    """Waits by stepping the clock, and says stop after so many waits."""

    def __init__(self, clock: SteppedClock, stop_after: int = 10**9) -> None:
        self.clock = clock
        self.left = stop_after
        self.waited_s = 0.0

    def __call__(self, seconds: float) -> bool:
        self.clock.step(seconds)
        self.waited_s += seconds
        self.left -= 1
        return self.left < 0


def flip_a_bit(path: Path, offset: int) -> None:
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(offset)
        byte = file.read(1)[0]
        file.seek(offset)
        file.write(bytes([byte ^ 0x10]))


@pytest.fixture
def found() -> list[Corruption]:
    return []


@pytest.fixture
def scrub(store: DiskStore, clock: SteppedClock, found: list[Corruption]) -> Callable[..., Scrub]:
    def made(stop_after: int = 10**9, bytes_per_s: int = 20 << 20) -> Scrub:
        return Scrub(store, found.append, Waits(clock, stop_after), bytes_per_s, rest_s=1000, clock=clock)

    return made


def test_a_flipped_bit_is_found(store: DiskStore, scrub: Callable[..., Scrub], found: list[Corruption]) -> None:
    digests = [store.put_bytes(os.urandom(1_500_000)).sha256 for _ in range(3)]
    flip_a_bit(store.path(digests[1]), 1_234_567)
    assert scrub().run_pass()
    assert [corruption.sha256 for corruption in found] == [digests[1]]
    assert found[0].found != digests[1]
    with pytest.raises(BlobCorrupt):
        store.open(digests[1])
    assert store.exists(digests[0])
    assert store.exists(digests[2])


def test_a_truncated_blob_is_found(store: DiskStore, scrub: Callable[..., Scrub], found: list[Corruption]) -> None:
    sha256 = store.put_bytes(b"0123456789").sha256
    store.path(sha256).chmod(0o644)
    os.truncate(store.path(sha256), 5)
    assert scrub().run_pass()
    assert [corruption.sha256 for corruption in found] == [sha256]


def test_a_disk_that_cannot_read_is_corruption(
    store: DiskStore, scrub: Callable[..., Scrub], found: list[Corruption], monkeypatch: pytest.MonkeyPatch
) -> None:
    sha256 = store.put_bytes(b"0123456789").sha256

    def unreadable(*_: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr("orchestrator.blobs.scrub.read_pieces", unreadable)
    assert scrub().run_pass()
    assert [corruption.sha256 for corruption in found] == [sha256]
    assert "Input/output error" in found[0].found


def test_it_reads_no_faster_than_told(store: DiskStore, scrub: Callable[..., Scrub], clock: SteppedClock) -> None:
    size_bytes = 5_000_000
    store.put_bytes(os.urandom(size_bytes))
    began_s = clock()
    assert scrub(bytes_per_s=1_000_000).run_pass()
    assert size_bytes / 1_000_000 <= clock() - began_s <= size_bytes / 1_000_000 + 0.1


def test_a_stop_is_heeded_within_a_blob_and_the_next_process_goes_on(
    store: DiskStore, scrub: Callable[..., Scrub]
) -> None:
    digests = sorted(store.put_bytes(os.urandom(2_500_000)).sha256 for _ in range(4))
    assert not scrub(stop_after=4).run_pass()
    again = scrub()
    assert (again.progress.after, again.progress.blobs) == (digests[0], 1)
    assert again.run_pass()
    assert (again.progress.after, again.progress.blobs) == (digests[3], 4)
    assert again.progress.ended_s > 0


def test_the_next_pass_reads_everything_again(
    store: DiskStore, scrub: Callable[..., Scrub], found: list[Corruption]
) -> None:
    sha256 = store.put_bytes(b"fine at first").sha256
    assert scrub().run_pass()
    flip_a_bit(store.path(sha256), 0)
    assert scrub().run_pass()
    assert [corruption.sha256 for corruption in found] == [sha256]


def test_it_rests_between_passes(store: DiskStore, scrub: Callable[..., Scrub], clock: SteppedClock) -> None:
    store.put_bytes(b"x")
    began_s = clock()
    # One wait before each pass and one for each blob.
    scrub(stop_after=6).run()
    assert clock() - began_s == pytest.approx(3 * 1000, abs=1)


def test_a_blob_deleted_meanwhile_is_no_corruption(
    store: DiskStore, clock: SteppedClock, found: list[Corruption]
) -> None:
    digests = sorted(store.put_bytes(os.urandom(100)).sha256 for _ in range(20))

    def delete_the_last(seconds: float) -> bool:
        store.delete(digests[-1])
        return False

    assert Scrub(store, found.append, delete_the_last, clock=clock).run_pass()
    assert found == []


def test_progress_that_cannot_be_read_begins_anew(store: DiskStore, scrub: Callable[..., Scrub]) -> None:
    store.put_bytes(b"x")
    (store.layout.root / "scrub.json").write_text('{"began')
    again = scrub()
    assert again.run_pass()
    assert again.progress.blobs == 1
