"""What must hold when the coordinator is killed, the disk is full, or the bytes rot."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from orchestrator.blobs.disk import DiskStore
from orchestrator.blobs.scrub import Scrub
from tests.support.tmpfs import tmpfs
from tests.support.waiting import until

from .blob_process import BlobProcess
from .blob_server import CALLER
from .raw_http import RawConnection
from .test_blobs import blob, error_code
from .test_blobs_uploads import begin, offset_of, patch

pytestmark = pytest.mark.fault


def stored_files(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file()]


def test_a_torn_upload_goes_on_after_kill_9(tmp_path: Path) -> None:
    root = tmp_path / "store"
    data, sha256 = blob(30_000_000)
    first = BlobProcess(root)
    with first.client() as client, RawConnection(first.port) as connection:
        upload = begin(client, sha256, len(data))
        connection.ask("PATCH", f"/api/v1/uploads/{upload}", len(data), Upload_Offset="0")
        connection.send(data[:20_000_000])
        until(lambda: offset_of(client, upload) > 1_000_000)
        first.kill()
    second = BlobProcess(root)
    with second.client() as client:
        told = client.post("/uploads", json={"sha256": sha256, "size_bytes": len(data)}).json()
        assert told["id"] == upload
        assert 1_000_000 < told["offset_bytes"] <= 20_000_000
        assert client.get(f"/blobs/{sha256}").status_code == 404
        assert patch(client, upload, told["offset_bytes"], data[told["offset_bytes"] :]).status_code == 204
        assert client.post(f"/uploads/{upload}/finish").status_code == 201
        assert client.get(f"/blobs/{sha256}").content == data
    assert second.stop() == 0


def test_kill_9_during_a_put_leaves_nothing(tmp_path: Path) -> None:
    root = tmp_path / "store"
    data, sha256 = blob(10_000_000)
    first = BlobProcess(root)
    with RawConnection(first.port) as connection:
        connection.ask("PUT", f"/api/v1/blobs/{sha256}", len(data))
        connection.send(data[:5_000_000])
        until(lambda: any(path.stat().st_size for path in stored_files(root)))
        first.kill()
    second = BlobProcess(root)
    assert stored_files(root) == []
    with second.client() as client:
        assert client.put(f"/blobs/{sha256}", content=data).status_code == 201
    assert second.stop() == 0


def test_kill_9_at_any_moment_shows_no_wrong_blob(tmp_path: Path) -> None:
    """Killed a little later each time while blobs stream in: what is visible afterwards has its digest."""
    root = tmp_path / "store"
    for pause_s in (0.0, 0.01, 0.03, 0.06):
        process = BlobProcess(root)
        with process.client() as client, RawConnection(process.port) as connection:
            client.put(f"/blobs/{blob(10)[1]}", content=b"x")
            for _ in range(20):
                data, sha256 = blob(400_000)
                connection.ask("PUT", f"/api/v1/blobs/{sha256}", len(data))
                connection.send(data)
            connection.socket.settimeout(pause_s or 0.001)
            with suppress(TimeoutError):
                for _ in range(20):
                    connection.answer()
            process.kill()
    store = DiskStore(root, reserve_bytes=0)
    corrupt: list[object] = []
    assert Scrub(store, corrupt.append, lambda _: False).run_pass()
    assert corrupt == []
    store.close()


@pytest.fixture
def on_a_small_disk(tmp_path: Path) -> Iterator[tuple[httpx.Client, Path]]:
    with tmpfs(tmp_path / "small", size_bytes=16 << 20) as disk:
        process = BlobProcess(disk.path)
        with process.client() as client:
            yield client, disk.path
        process.stop()


def test_a_full_disk_is_507_and_a_retry_succeeds(on_a_small_disk: tuple[httpx.Client, Path]) -> None:
    client, root = on_a_small_disk
    data, sha256 = blob(10_000_000)
    upload = begin(client, sha256, len(data))
    assert patch(client, upload, 0, data[:2_000_000]).status_code == 204
    ballast = root / "ballast"
    ballast.write_bytes(bytes(8_000_000))
    refused = patch(client, upload, 2_000_000, data[2_000_000:])
    assert (refused.status_code, error_code(refused)) == (507, "storage_full")
    assert "farm gc" in refused.json()["error"]["hint"]
    assert stored_files(root) == [ballast]
    for response in (
        client.put(f"/blobs/{sha256}", content=data),
        client.post("/uploads", json={"sha256": sha256, "size_bytes": len(data)}),
    ):
        assert (response.status_code, error_code(response)) == (507, "storage_full")
    assert client.get(f"/blobs/{sha256}").status_code == 404
    ballast.unlink()
    assert client.put(f"/blobs/{sha256}", content=data).status_code == 201
    assert client.get(f"/blobs/{sha256}").content == data


def test_a_bit_that_flips_on_disk(short_way: BlobProcess, tmp_path: Path) -> None:
    """GET streams what the disk has, and its reader checks; the scrub puts it aside; a new upload mends it."""
    data, sha256 = blob(3_000_000)
    root = tmp_path / "store"
    with short_way.client() as client:
        client.put(f"/blobs/{sha256}", content=data)
        path = root / "blobs" / "sha256" / sha256[:2] / sha256[2:4] / sha256
        path.chmod(0o644)
        with path.open("r+b") as file:
            file.seek(1_500_000)
            file.write(bytes([data[1_500_000] ^ 1]))
        assert client.get(f"/blobs/{sha256}").content != data
        found: list[str] = []
        store = DiskStore(root, reserve_bytes=0)
        assert Scrub(store, lambda corruption: found.append(corruption.sha256), lambda _: False).run_pass()
        store.close()
        assert found == [sha256]
        gone = client.get(f"/blobs/{sha256}")
        assert (gone.status_code, error_code(gone)) == (410, "blob_corrupt")
        assert "Send it again" in gone.json()["error"]["hint"]
        assert client.head(f"/blobs/{sha256}").status_code == 410
        assert client.put(f"/blobs/{sha256}", content=data).status_code == 201
        assert client.get(f"/blobs/{sha256}").content == data


def test_a_reader_of_damaged_bytes_has_the_blob_put_aside(short_way: BlobProcess, tmp_path: Path) -> None:
    data, sha256 = blob(1_000_000)
    with short_way.client() as client:
        client.put(f"/blobs/{sha256}", content=data)
        assert client.post(f"/blobs/{sha256}/check").json() == {"sha256": sha256, "size_bytes": len(data)}
        path = tmp_path / "store" / "blobs" / "sha256" / sha256[:2] / sha256[2:4] / sha256
        path.chmod(0o644)
        path.write_bytes(data[:-1])
        damaged = client.post(f"/blobs/{sha256}/check")
        assert (damaged.status_code, error_code(damaged)) == (410, "blob_corrupt")
        assert client.get(f"/blobs/{sha256}").status_code == 410
        assert client.put(f"/blobs/{sha256}", content=data).status_code == 201
        assert client.get(f"/blobs/{sha256}").content == data
        assert client.post(f"/blobs/{'0' * 64}/check").status_code == 404


def test_memory_stays_constant(short_way: BlobProcess) -> None:
    """A blob far larger than what the server may hold of it goes in and out."""
    data, sha256 = blob(300 << 20)
    with short_way.client() as client:
        small, small_sha256 = blob(20 << 20)
        client.put(f"/blobs/{small_sha256}", content=small)
        client.get(f"/blobs/{small_sha256}")
        before = peak_bytes(short_way)
        assert client.put(f"/blobs/{sha256}", content=data).status_code == 201
        assert client.get(f"/blobs/{sha256}").content == data
        assert peak_bytes(short_way) - before < 32 << 20


@pytest.mark.slow
def test_five_gigabytes_go_in_and_out_in_constant_memory(short_way: BlobProcess, tmp_path: Path) -> None:
    """The weights of a big model: more than 32 bits can count, and a hole in the file but for its ends."""
    path, size, beyond = tmp_path / "weights.bin", 5 << 30, (4 << 30) + 3
    with path.open("wb") as file:
        for offset in (0, beyond, size - 9):
            file.seek(offset)
            file.write(b"a marker.")
    # Of what was just written: hashing it here would take longer than all the rest. The server does.
    sha256 = "26f8f03e247cef10d5d070cab38e72964cb71f92785783fdeb2648e42f78ee34"
    url, caller = f"{short_way.url}/api/v1/blobs/{sha256}", f"{CALLER}: me"
    before = peak_bytes(short_way)
    # By other programs, which are several times faster than this process.
    for command in (f"-T '{path}' '{url}'", f"'{url}' | cmp - '{path}'"):
        subprocess.run(["sh", "-c", f"curl -fsS -H '{caller}' {command}"], check=True)
    with short_way.client() as client:
        part = client.get(f"/blobs/{sha256}", headers={"Range": f"bytes={beyond}-{beyond + 8}"})
        assert (part.status_code, part.content) == (206, b"a marker.")
    assert peak_bytes(short_way) - before < 32 << 20


def peak_bytes(process: BlobProcess) -> int:
    lines = Path(f"/proc/{process.child.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
