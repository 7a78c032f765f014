"""Files up and down through a network that breaks."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import List

import pytest

from farm import FarmClient
from farm.client.hashing import Sha256Beside
from farm.client.transport import Broken
from farm.protocol.errors import BlobCorrupt, Conflict, Invalid, NotFound, StorageFull

from ..double import Double

BIG = os.urandom(9 << 20)
SMALL = b"small"


@pytest.fixture(autouse=True)
def _no_pauses(client: FarmClient) -> None:
    client._transport.sleep = lambda seconds: None


def _file(folder: Path, content: bytes) -> Path:
    path = folder / "file.bin"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("content", [b"", SMALL, BIG], ids=["empty", "small", "big"])
def test_a_file_goes_up_and_comes_down_the_same(
    client: FarmClient, double: Double, tmp_path: Path, content: bytes
) -> None:
    ref = client.upload(_file(tmp_path, content))
    assert double.blobs[ref.sha256] == content
    assert client.download_blob(ref.sha256, tmp_path / "down").read_bytes() == content
    assert sorted(item.name for item in tmp_path.iterdir()) == ["down", "file.bin"]


def test_a_stored_file_is_not_sent_again(client: FarmClient, double: Double, tmp_path: Path) -> None:
    double.store(BIG)
    client.upload(_file(tmp_path, BIG))
    assert double.asked == ["POST /uploads"]


def test_a_broken_upload_goes_on_where_it_stopped(client: FarmClient, double: Double, tmp_path: Path) -> None:
    double.break_after = [3 << 20, 1 << 20]
    ref = client.upload(_file(tmp_path, BIG))
    assert double.blobs[ref.sha256] == BIG
    assert [item.split("/")[0] for item in double.asked] == [
        *("POST ", "PATCH ", "HEAD ", "PATCH ", "HEAD ", "PATCH ", "POST ")
    ]


def test_an_upload_that_never_gets_on_ends(client: FarmClient, double: Double, tmp_path: Path) -> None:
    double.break_after = [0] * 20
    with pytest.raises(Broken):
        client.upload(_file(tmp_path, BIG))
    assert double.blobs == {}


def test_a_file_that_changes_while_it_is_sent_is_refused(client: FarmClient, tmp_path: Path) -> None:
    path = _file(tmp_path, BIG)

    def shrink(transfer: object) -> None:
        if os.path.getsize(str(path)) == len(BIG):
            os.truncate(str(path), 10)

    with pytest.raises(Invalid):
        client.upload(path, progress=shrink)


def test_progress_ends_at_the_size_of_the_file(client: FarmClient, tmp_path: Path) -> None:
    told: List[object] = []
    ref = client.upload(_file(tmp_path, BIG), progress=told.append)
    client.download_blob(ref.sha256, tmp_path / "down", progress=told.append)
    ends = {item.verb: item for item in told}  # type: ignore[attr-defined]
    assert {verb: (item.done_bytes, item.total_bytes) for verb, item in ends.items()} == {  # type: ignore[attr-defined]
        verb: (len(BIG), len(BIG)) for verb in ("hash", "upload", "download")
    }


def test_a_broken_download_goes_on_by_range(client: FarmClient, double: Double, tmp_path: Path) -> None:
    sha256 = double.store(BIG)
    double.break_after = [1 << 20, 1 << 20]
    assert client.download_blob(sha256, tmp_path / "down").read_bytes() == BIG
    assert len(double.asked) == 3


def test_a_download_without_ranges_starts_again(client: FarmClient, double: Double, tmp_path: Path) -> None:
    sha256, double.ranges = double.store(BIG), False
    double.break_after = [1 << 20]
    assert client.download_blob(sha256, tmp_path / "down").read_bytes() == BIG


def test_what_an_interrupted_process_left_is_used(client: FarmClient, double: Double, tmp_path: Path) -> None:
    sha256 = double.store(BIG)
    (tmp_path / "down.part").write_bytes(BIG[:-7])
    received: List[int] = []
    client.download_blob(sha256, tmp_path / "down", progress=lambda told: received.append(told.done_bytes))
    assert received == [len(BIG)]
    (tmp_path / "again.part").write_bytes(BIG)
    assert client.download_blob(sha256, tmp_path / "again").read_bytes() == BIG


def test_damaged_bytes_never_appear_and_the_next_try_succeeds(
    client: FarmClient, double: Double, tmp_path: Path
) -> None:
    sha256, double.corrupt = double.store(BIG), True
    with pytest.raises(BlobCorrupt):
        client.download_blob(sha256, tmp_path / "down")
    assert not (tmp_path / "down").exists()
    double.corrupt = False
    (tmp_path / "wrong.part").write_bytes(b"x" * 100)
    with pytest.raises(BlobCorrupt):
        client.download_blob(sha256, tmp_path / "wrong")
    for name in ("down", "wrong"):
        assert client.download_blob(sha256, tmp_path / name).read_bytes() == BIG


def test_an_unknown_blob_and_a_wrong_digest_are_told_apart(client: FarmClient, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        client.download_blob("0" * 64, tmp_path / "down")
    with pytest.raises(Invalid):
        client.download_blob("../../etc", tmp_path / "down")


def test_two_processes_do_not_write_one_file(client: FarmClient, double: Double, tmp_path: Path) -> None:
    sha256 = double.store(SMALL)
    with (tmp_path / "down.part").open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(Conflict, match="another process"):
            client.download_blob(sha256, tmp_path / "down")


def test_a_full_disk_is_said_and_nothing_appears(
    client: FarmClient, double: Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    sha256 = double.store(SMALL)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull, match="no room left"):
        client.download_blob(sha256, tmp_path / "down")
    assert not (tmp_path / "down").exists()


def test_a_folder_that_is_not_there_is_said(client: FarmClient, double: Double, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot write"):
        client.download_blob(double.store(SMALL), tmp_path / "none" / "down")


def test_a_large_upload_needs_constant_memory(double: Double, tmp_path: Path) -> None:
    """A sparse file of 1 GiB, cut by the other side before it is sent: hashed and read with little memory."""
    path = tmp_path / "big"
    with path.open("wb") as stream:
        stream.truncate(1 << 30)
    double.break_after = [64 << 20] + [0] * 10
    code = (
        "import re, sys; from pathlib import Path\n"
        "from farm import FarmClient; from farm.client.transport import Broken\n"
        "client = FarmClient(sys.argv[1], 'secret-of-the-double'); client._transport.sleep = lambda s: None\n"
        "try: client.upload(Path(sys.argv[2]))\n"
        "except Broken: print(re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text()).group(1))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, double.url, str(path)],
        check=True,
        stdout=subprocess.PIPE,
        cwd=str(Path(__file__).parents[3]),
    )
    assert int(done.stdout) < 120 * 1024
    assert hashlib.sha256(bytes(64 << 20)).digest() == hashlib.sha256(double.uploads["u1"][2]).digest()


def test_a_digest_taken_beside_is_that_of_all_bytes() -> None:
    pieces = [BIG[:1], BIG[1 : 5 << 20], b"", BIG[5 << 20 :]]
    with Sha256Beside() as running:
        for piece in pieces:
            running.update(piece)
        assert running.hexdigest() == hashlib.sha256(BIG).hexdigest()
        running.update(SMALL)
        assert running.hexdigest() == hashlib.sha256(BIG + SMALL).hexdigest()
        running.clear()
        running.update(BIG)
        running.clear()
        assert running.hexdigest() == hashlib.sha256().hexdigest()
    assert not [item for item in threading.enumerate() if item.name == "sha256"]
