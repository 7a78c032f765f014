from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from farm.protocol.errors import BlobCorrupt, Conflict, Invalid, NotFound
from orchestrator.blobs.disk import DiskStore

from .conftest import SteppedClock
from .test_disk import DATA, SHA256, files

Reopen = Callable[[], DiskStore]


def begun(store: DiskStore, sha256: str = SHA256, size_bytes: int = len(DATA), owner: str = "me") -> str:
    upload = store.begin_upload(sha256, size_bytes, owner)
    assert upload is not None
    return upload.id


def test_an_upload_arrives_in_parts(store: DiskStore) -> None:
    upload = begun(store)
    assert store.writer(upload, 0).append(DATA[:1000]) == 1000
    writer = store.writer(upload, 1000)
    assert writer.append(memoryview(DATA)[1000:2_000_000]) == 2_000_000
    assert not store.exists(SHA256)
    assert writer.append(DATA[2_000_000:]) == len(DATA)
    assert store.finish(upload).size_bytes == len(DATA)
    assert store.path(SHA256).read_bytes() == DATA


def test_the_same_owner_goes_on_with_the_same_upload(store: DiskStore) -> None:
    mine, yours = begun(store), begun(store, owner="you")
    assert mine != yours
    store.writer(mine, 0).append(DATA[:70_000])
    again = store.begin_upload(SHA256, len(DATA), "me")
    assert again is not None
    assert (again.id, again.offset_bytes) == (mine, 70_000)
    assert store.upload(yours).offset_bytes == 0


def test_another_size_for_the_same_digest_begins_anew(store: DiskStore) -> None:
    first = begun(store, size_bytes=5)
    second = begun(store)
    assert second != first
    with pytest.raises(NotFound):
        store.upload(first)


def test_an_upload_goes_on_after_a_restart(store: DiskStore, reopen: Reopen) -> None:
    upload = begun(store)
    store.writer(upload, 0).append(DATA[:1_500_000])
    store = reopen()
    assert begun(store) == upload
    assert store.upload(upload).offset_bytes == 1_500_000
    store.writer(upload, 1_500_000).append(DATA[1_500_000:])
    store.finish(upload)
    assert store.path(SHA256).read_bytes() == DATA


def test_a_restart_between_the_last_byte_and_finish(store: DiskStore, reopen: Reopen) -> None:
    upload = begun(store)
    store.writer(upload, 0).append(DATA)
    store = reopen()
    assert store.finish(upload).sha256 == SHA256


def test_finish_answers_the_same_again_also_after_a_restart(store: DiskStore, reopen: Reopen) -> None:
    upload = begun(store)
    store.writer(upload, 0).append(DATA)
    assert store.finish(upload) == store.finish(upload)
    store = reopen()
    assert store.finish(upload).sha256 == SHA256
    assert store.upload(upload).offset_bytes == len(DATA)


def test_a_finished_upload_whose_blob_is_gone_begins_anew(store: DiskStore) -> None:
    upload = begun(store)
    store.writer(upload, 0).append(DATA)
    store.finish(upload)
    store.delete(SHA256)
    with pytest.raises(NotFound):
        store.finish(upload)
    assert begun(store) != upload


def test_bytes_that_rotted_while_the_store_was_down_are_found(store: DiskStore, reopen: Reopen) -> None:
    upload = begun(store)
    store.writer(upload, 0).append(DATA)
    part = store.layout.part(upload)
    store = reopen()
    with part.open("r+b") as file:
        file.write(bytes([DATA[0] ^ 1]))
    with pytest.raises(BlobCorrupt):
        store.finish(upload)
    assert files(store) == []


def test_wrong_bytes_are_refused_at_the_end(store: DiskStore) -> None:
    upload = begun(store)
    store.writer(upload, 0).append(bytes(len(DATA)))
    with pytest.raises(BlobCorrupt, match="send it again"):
        store.finish(upload)
    assert files(store) == []
    with pytest.raises(NotFound):
        store.upload(upload)
    again = begun(store)
    store.writer(again, 0).append(DATA)
    assert store.finish(again).sha256 == SHA256


def test_finish_before_the_end_keeps_what_arrived(store: DiskStore) -> None:
    upload = begun(store)
    store.writer(upload, 0).append(DATA[:1000])
    with pytest.raises(Conflict) as refused:
        store.finish(upload)
    assert refused.value.details == {"offset_bytes": 1000}
    assert store.upload(upload).offset_bytes == 1000


@pytest.mark.parametrize("offset", [1001, len(DATA), -1])
def test_a_gap_is_refused_with_the_place_to_go_on(store: DiskStore, offset: int) -> None:
    upload = begun(store)
    store.writer(upload, 0).append(DATA[:1000])
    with pytest.raises(Conflict) as refused:
        store.writer(upload, offset)
    assert refused.value.details == {"offset_bytes": 1000}


def test_bytes_beyond_the_end_are_refused_whole(store: DiskStore) -> None:
    upload = begun(store)
    writer = store.writer(upload, 0)
    writer.append(DATA[:-10])
    with pytest.raises(Invalid, match="announced"):
        writer.append(DATA[-10:] + b"!")
    assert store.upload(upload).offset_bytes == len(DATA) - 10
    writer.append(DATA[-10:])
    assert store.finish(upload).sha256 == SHA256


def test_a_transfer_that_another_overtook_harms_nothing(store: DiskStore) -> None:
    upload = begun(store)
    slow, fast = store.writer(upload, 0), store.writer(upload, 0)
    slow.append(DATA[:100_000])
    fast.append(DATA[:2_000_000])
    assert slow.append(DATA[100_000:300_000]) == 2_000_000
    fast.append(DATA[2_000_000:])
    assert store.finish(upload).sha256 == SHA256
    assert slow.append(DATA[300_000:]) == len(DATA)
    assert store.path(SHA256).read_bytes() == DATA


def test_a_transfer_of_a_given_up_upload_is_told(store: DiskStore) -> None:
    upload = begun(store)
    writer = store.writer(upload, 0)
    store.abandon(upload)
    with pytest.raises(Conflict, match="given up"):
        writer.append(b"x")
    store.abandon(upload)
    assert files(store) == []


def test_two_owners_upload_one_blob(store: DiskStore) -> None:
    mine, yours = begun(store), begun(store, owner="you")
    for upload in (mine, yours):
        store.writer(upload, 0).append(DATA)
    assert store.finish(mine).sha256 == SHA256
    assert store.finish(yours).sha256 == SHA256
    assert [path for path in files(store) if path.suffix != ".json"] == [store.path(SHA256)]


def test_idle_uploads_are_swept(store: DiskStore, clock: SteppedClock) -> None:
    idle, busy = begun(store), begun(store, owner="you")
    store.writer(idle, 0).append(DATA[:10])
    clock.step(50)
    store.writer(busy, 0).append(DATA[:10])
    clock.step(50)
    assert [upload.id for upload in store.sweep_uploads(100)] == [idle]
    with pytest.raises(NotFound):
        store.upload(idle)
    assert store.upload(busy).offset_bytes == 10


def test_the_memory_of_a_finished_upload_is_swept_and_its_blob_stays(store: DiskStore, clock: SteppedClock) -> None:
    upload = begun(store)
    store.writer(upload, 0).append(DATA)
    store.finish(upload)
    clock.step(100)
    assert store.sweep_uploads(100) == ()
    assert files(store) == [store.path(SHA256)]


def test_a_start_removes_what_belongs_to_no_upload(store: DiskStore, reopen: Reopen) -> None:
    upload = begun(store)
    folder = store.layout.uploads
    single = store.begin_upload(hashlib.sha256(b"").hexdigest(), 0, "me", resumable=False)
    assert single is not None
    (folder / "note.new").write_text("half")
    (folder / f"{'0' * 32}.json").write_text('{"id": "../../x"')
    (folder / f"{'1' * 32}.json").write_text('{"id": "../x", "sha256": "", "size_bytes": 1, "owner": ""}')
    store = reopen()
    assert sorted(path.name for path in folder.iterdir()) == [f"{upload}.json", f"{upload}.part"]


@pytest.mark.parametrize("name", ["", "..", "../../x", "0" * 31, "0" * 32, "0" * 31 + "\n", "A" * 32])
def test_an_unknown_upload_is_not_found(store: DiskStore, name: str) -> None:
    for call in (store.upload, store.finish, lambda unknown: store.writer(unknown, 0)):
        with pytest.raises(NotFound):
            call(name)
    store.abandon(name)


def test_a_negative_size_is_refused(store: DiskStore) -> None:
    with pytest.raises(Invalid):
        store.begin_upload(SHA256, -1, "me")


@dataclass(frozen=True)
class Transfer:
    """One connection: where it begins and stops, as shares of what has arrived and of what is left to send."""

    begin: float
    stop: float
    after_restart: bool


SHARE = st.floats(0, 1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size_bytes=st.integers(1, 400_000),
    transfers=st.lists(st.builds(Transfer, SHARE, SHARE, st.booleans()), max_size=12),
)
@example(size_bytes=1, transfers=[Transfer(0, 1, True), Transfer(1, 1, True)])
def test_any_way_of_sending_ends_in_the_same_blob(
    size_bytes: int, transfers: list[Transfer], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Transfers begin anywhere up to the end, overlap, stop, and the store restarts: the blob is right all the same."""
    content = os.urandom(size_bytes)
    sha256 = hashlib.sha256(content).hexdigest()
    root = tmp_path_factory.mktemp("any")
    store = DiskStore(root, reserve_bytes=0)
    upload = begun(store, sha256, size_bytes)
    for transfer in [*transfers, Transfer(1, 1, False)]:
        if transfer.after_restart:
            store.close()
            store = DiskStore(root, reserve_bytes=0)
        reached = store.upload(upload).offset_bytes
        start = int(transfer.begin * reached)
        end = start + int(transfer.stop * (size_bytes - start))
        writer, middle = store.writer(upload, start), (start + end) // 2
        writer.append(content[start:middle])
        assert writer.append(content[middle:end]) == max(reached, end)
    assert store.finish(upload).size_bytes == size_bytes
    assert store.path(sha256).read_bytes() == content
    store.close()
