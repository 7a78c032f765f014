from __future__ import annotations

import hashlib
import os

import pytest

from farm.protocol.errors import NotFound, StorageFull
from orchestrator.blobs.disk import DiskStore

from .test_disk import files

LARGE = os.urandom(6 << 20)
LARGE_SHA256 = hashlib.sha256(LARGE).hexdigest()


def free_bytes(store: DiskStore) -> int:
    disk = os.statvfs(store.layout.root)
    return disk.f_bavail * disk.f_frsize


@pytest.mark.parametrize("size_bytes", [9 << 20, 1 << 50, 10**40])
def test_what_cannot_fit_is_refused_before_its_first_byte(small_disk: DiskStore, size_bytes: int) -> None:
    with pytest.raises(StorageFull, match="do not fit"):
        small_disk.begin_upload(LARGE_SHA256, size_bytes, "me")
    assert files(small_disk) == []


def test_room_promised_to_one_upload_is_not_promised_to_the_next(small_disk: DiskStore) -> None:
    first = small_disk.begin_upload(LARGE_SHA256, len(LARGE), "me")
    assert first is not None
    with pytest.raises(StorageFull):
        small_disk.begin_upload(LARGE_SHA256, len(LARGE), "you")
    small_disk.abandon(first.id)
    assert small_disk.begin_upload(LARGE_SHA256, len(LARGE), "you") is not None


def test_a_disk_that_somebody_else_fills_meanwhile(small_disk: DiskStore) -> None:
    upload = small_disk.begin_upload(LARGE_SHA256, len(LARGE), "me")
    assert upload is not None
    writer = small_disk.writer(upload.id, 0)
    writer.append(LARGE[: 1 << 20])
    ballast = small_disk.layout.root / "ballast"
    ballast.write_bytes(bytes(free_bytes(small_disk) - (2 << 20)))
    with pytest.raises(StorageFull, match="disk of the coordinator is full"):
        writer.append(LARGE[1 << 20 :])
    assert free_bytes(small_disk) > 2 << 20
    assert files(small_disk) == [ballast]
    with pytest.raises(NotFound):
        small_disk.upload(upload.id)
    ballast.unlink()
    assert small_disk.put_bytes(LARGE).sha256 == LARGE_SHA256


def test_a_disk_full_to_the_last_byte(small_disk: DiskStore) -> None:
    kept = small_disk.put_bytes(b"kept").sha256
    ballast = small_disk.layout.root / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while free_bytes(small_disk):
            file.write(bytes(4096))
    with pytest.raises(StorageFull):
        small_disk.put_bytes(b"one more")
    assert b"".join(small_disk.open_range(kept)) == b"kept"
    assert small_disk.keep(kept)
    assert len(files(small_disk)) == 2
    ballast.unlink()
    small_disk.put_bytes(b"one more")


def test_the_reserve_stays_free(small_disk: DiskStore) -> None:
    careful = DiskStore(small_disk.layout.root, reserve_bytes=4 << 20)
    with pytest.raises(StorageFull):
        careful.put_bytes(LARGE)
    careful.put_bytes(LARGE[: 3 << 20])
    careful.close()
