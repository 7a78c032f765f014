from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from farm.protocol.errors import BlobCorrupt, Invalid, NotFound
from orchestrator.blobs.disk import DiskStore

from .conftest import SteppedClock

DATA = random.Random(7).randbytes(3_000_000)
SHA256 = hashlib.sha256(DATA).hexdigest()


def pieces(data: bytes, size_bytes: int = 1 << 20) -> Iterator[bytes]:
    return (data[start : start + size_bytes] for start in range(0, len(data), size_bytes))


def files(store: DiskStore) -> list[Path]:
    return [path for path in store.layout.root.rglob("*") if path.is_file()]


def test_what_is_stored_is_read(store: DiskStore) -> None:
    stat = store.put_stream(SHA256, len(DATA), pieces(DATA))
    assert (stat.sha256, stat.size_bytes) == (SHA256, len(DATA))
    assert store.exists(SHA256)
    assert store.path(SHA256).read_bytes() == DATA
    assert b"".join(store.open_range(SHA256)) == DATA
    assert b"".join(store.open_range(SHA256, 1_048_570, 2_097_160)) == DATA[1_048_570:2_097_160]
    assert files(store) == [store.path(SHA256)]


def test_a_blob_lies_under_its_digest_and_cannot_be_written(store: DiskStore) -> None:
    path = store.path(store.put_bytes(DATA).sha256)
    assert path.relative_to(store.layout.root) == Path("blobs/sha256", SHA256[:2], SHA256[2:4], SHA256)
    assert path.stat().st_mode & 0o222 == 0


def test_an_empty_blob_is_a_blob(store: DiskStore) -> None:
    empty = store.put_bytes(b"")
    assert empty.size_bytes == 0
    assert b"".join(store.open_range(empty.sha256)) == b""


def test_a_blob_that_is_there_needs_no_bytes(store: DiskStore) -> None:
    store.put_bytes(DATA)

    unread = iter([b"never read"])
    assert store.put_stream(SHA256, len(DATA), unread).size_bytes == len(DATA)
    assert list(unread) == [b"never read"]


def test_wrong_digest_leaves_nothing(store: DiskStore) -> None:
    other = hashlib.sha256(b"other").hexdigest()
    with pytest.raises(BlobCorrupt, match=SHA256):
        store.put_stream(other, len(DATA), pieces(DATA))
    assert files(store) == []
    assert not store.exists(other)
    assert not store.exists(SHA256)


@pytest.mark.parametrize("announced", [len(DATA) - 1, len(DATA) + 1, 0])
def test_wrong_size_leaves_nothing(store: DiskStore, announced: int) -> None:
    with pytest.raises(BlobCorrupt, match=str(announced)):
        store.put_stream(SHA256, announced, pieces(DATA))
    assert files(store) == []


def test_a_source_that_breaks_leaves_nothing(store: DiskStore) -> None:
    def broken() -> Iterator[bytes]:
        yield DATA[:1_000_000]
        raise OSError("the source broke")

    with pytest.raises(OSError, match="the source broke"):
        store.put_stream(SHA256, len(DATA), broken())
    assert files(store) == []


@pytest.mark.parametrize(
    "name", ["", "..", "../../etc/passwd", SHA256.upper(), SHA256[:-1], SHA256 + "0", SHA256[:-1] + "\n", "/" + SHA256]
)
def test_what_is_no_digest_never_becomes_a_path(store: DiskStore, name: str) -> None:
    for call in (store.stat, store.exists, store.keep, store.open, store.path, store.delete, store.quarantine):
        with pytest.raises(Invalid):
            call(name)
    for start in (lambda: store.begin_upload(name, 1, "me"), lambda: store.put_stream(name, 1, [b"x"])):
        with pytest.raises(Invalid):
            start()
    assert files(store) == []


def test_an_absent_blob_is_not_found(store: DiskStore) -> None:
    for call in (store.stat, store.open, store.path):
        with pytest.raises(NotFound):
            call(SHA256)
    with pytest.raises(NotFound):
        next(store.open_range(SHA256))
    assert not store.keep(SHA256)
    assert not store.delete(SHA256)
    assert not store.quarantine(SHA256)


def test_an_open_blob_outlives_its_deletion(store: DiskStore) -> None:
    store.put_bytes(DATA)
    with store.open(SHA256) as file:
        assert store.delete(SHA256)
        assert not store.exists(SHA256)
        assert file.read() == DATA


def test_a_corrupt_blob_is_put_aside_and_can_be_stored_again(store: DiskStore) -> None:
    store.put_bytes(DATA)
    assert store.quarantine(SHA256)
    assert not store.exists(SHA256)
    for call in (store.stat, store.open, store.path):
        with pytest.raises(BlobCorrupt, match="put aside"):
            call(SHA256)
    store.put_bytes(DATA)
    assert store.path(SHA256).read_bytes() == DATA


def test_what_was_put_aside_is_forgotten_by_age(store: DiskStore, clock: SteppedClock) -> None:
    store.put_bytes(DATA)
    store.quarantine(SHA256)
    clock.step(99)
    assert store.sweep_quarantine(100) == ()
    clock.step(1)
    assert store.sweep_quarantine(100) == (SHA256,)
    with pytest.raises(NotFound):
        store.stat(SHA256)


def test_blobs_age_since_somebody_stored_or_kept_them(store: DiskStore, clock: SteppedClock) -> None:
    first, second = store.put_bytes(b"first").sha256, store.put_bytes(b"second").sha256
    clock.step(100)
    assert {stat.sha256 for stat in store.list_older_than(100)} == {first, second}
    assert store.keep(first)
    assert store.begin_upload(second, 6, "me") is None
    assert list(store.list_older_than(100)) == []
    assert not store.delete(first, older_than_s=100)
    clock.step(100)
    assert store.delete(first, older_than_s=100)
    assert not store.exists(first)


def test_blobs_are_listed_in_the_order_of_their_digests(store: DiskStore) -> None:
    digests = sorted(store.put_bytes(str(number).encode()).sha256 for number in range(300))
    (store.layout.blobs / digests[0][:2] / "stray").write_text("not a blob")
    assert [stat.sha256 for stat in store.list_older_than(0)] == digests
    assert list(store.layout.digests(after=digests[123])) == digests[124:]


def test_a_blob_survives_a_restart(store: DiskStore, reopen: Callable[[], DiskStore]) -> None:
    store.put_bytes(DATA)
    again = reopen()
    assert again.path(SHA256).read_bytes() == DATA
    assert again.keep(SHA256)


def test_many_threads_store_one_blob(store: DiskStore) -> None:
    barrier, problems = threading.Barrier(8), []

    def put() -> None:
        barrier.wait()
        try:
            store.put_stream(SHA256, len(DATA), pieces(DATA, 100_000))
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert files(store) == [store.path(SHA256)]
    assert store.path(SHA256).read_bytes() == DATA
