from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator

import pytest

from farm.client.files import hash_file
from farm.client.transport import Transport
from farm.protocol.errors import FarmError, NotFound
from tests.farm.double import TOKEN, Double, served
from worker.lease.halt import Halt, Why
from worker.lease.patience import GaveUp
from worker.lease.transfer import Cache, send


@pytest.fixture
def double() -> Iterator[Double]:
    with served() as running:
        yield running


@pytest.fixture
def transport(double: Double) -> Iterator[Transport]:
    made = Transport(double.url, TOKEN, timeout_s=5, sleep=lambda seconds: None)
    yield made
    made.close()


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache", 1 << 20)


def test_a_blob_comes_once_and_is_there_twice(
    double: Double, transport: Transport, cache: Cache, tmp_path: Path
) -> None:
    sha256 = double.store(b"weights")
    cache.bring(transport, sha256, tmp_path / "one/model.onnx")
    double.blobs.clear()
    assert cache.bring(transport, sha256, tmp_path / "two/weights.bin") == 7
    assert (tmp_path / "two/weights.bin").read_bytes() == b"weights"


def test_what_was_made_here_does_not_come_back_over_the_network(
    double: Double, transport: Transport, cache: Cache, tmp_path: Path
) -> None:
    made = tmp_path / "made.onnx"
    made.write_bytes(b"prepared")
    sha256 = hash_file(made).sha256
    cache.adopt(made, sha256)
    made.unlink()
    cache.bring(transport, sha256, tmp_path / "one/model.onnx")
    assert (tmp_path / "one/model.onnx").read_bytes() == b"prepared"


def test_what_was_made_here_and_spoilt_since_is_fetched(
    double: Double, transport: Transport, cache: Cache, tmp_path: Path
) -> None:
    made = tmp_path / "made.onnx"
    made.write_bytes(b"prepared")
    sha256 = double.store(b"prepared")
    cache.adopt(made, sha256)
    made.chmod(0o644)
    made.write_bytes(b"spoilt!!")
    cache.bring(transport, sha256, tmp_path / "one/model.onnx")
    assert (tmp_path / "one/model.onnx").read_bytes() == b"prepared"


def test_what_was_made_here_counts_towards_the_limit(cache: Cache, tmp_path: Path) -> None:
    for name in ("old", "new"):
        made = tmp_path / name
        made.write_bytes(name.encode() * (200 << 10))
        cache.adopt(made, hash_file(made).sha256)
    assert [path.stat().st_size for path in (tmp_path / "cache").iterdir()] == [600 << 10]


def test_a_damaged_blob_is_fetched_anew(double: Double, transport: Transport, cache: Cache, tmp_path: Path) -> None:
    sha256 = double.store(b"weights")
    cache.bring(transport, sha256, tmp_path / "one/w")
    (tmp_path / "one/w").chmod(0o644)
    (tmp_path / "one/w").write_bytes(b"wEights")  # the same file as in the cache, as a child might
    cache.bring(transport, sha256, tmp_path / "two/w")
    assert (tmp_path / "two/w").read_bytes() == b"weights"
    assert (tmp_path / "one/w").read_bytes() == b"wEights"


def test_a_second_try_replaces_what_the_first_put_there(
    double: Double, transport: Transport, cache: Cache, tmp_path: Path
) -> None:
    sha256 = double.store(b"weights")
    for _ in range(2):
        cache.bring(transport, sha256, tmp_path / "w")
    assert hash_file(tmp_path / "cache" / sha256).sha256 == sha256


def test_a_blob_that_is_not_there_leaves_nothing(transport: Transport, cache: Cache, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        cache.bring(transport, "0" * 64, tmp_path / "w")
    assert not (tmp_path / "w").exists()
    assert not (tmp_path / "cache" / ("0" * 64)).exists()


def test_the_least_used_blobs_go_first(double: Double, transport: Transport, cache: Cache, tmp_path: Path) -> None:
    digests = []
    for number in range(5):
        digests.append(double.store(os.urandom(300 << 10)))
        cache.bring(transport, digests[-1], tmp_path / str(number))
        os.utime(str(tmp_path / "cache" / digests[-1]), (1000 + number, 1000 + number))
    cache.shrink()
    kept = {path.name for path in (tmp_path / "cache").iterdir()}
    assert kept == set(digests[2:])
    assert all((tmp_path / str(number)).stat().st_size == 300 << 10 for number in range(5)), "work goes on with its own"


def test_a_halt_ends_a_transfer(double: Double, transport: Transport, cache: Cache, tmp_path: Path) -> None:
    halt = Halt()
    halt.tell(Why.CANCELLED, "cancelled")
    with pytest.raises(GaveUp):
        cache.bring(transport, double.store(os.urandom(3 << 20)), tmp_path / "w", halt.check)


def test_what_the_coordinator_has_is_not_sent(double: Double, transport: Transport, tmp_path: Path) -> None:
    (tmp_path / "engine").write_bytes(b"engine")
    (tmp_path / "weights").write_bytes(b"weights")
    files = (hash_file(tmp_path / "engine"), hash_file(tmp_path / "weights"))
    send(transport, tmp_path, files, {files[1].sha256}, None)
    assert files[0].sha256 in double.blobs
    assert files[1].sha256 not in double.blobs
    (tmp_path / "engine").write_bytes(b"other")
    with pytest.raises(FarmError, match="changed while"):
        send(transport, tmp_path, files, frozenset(), None)
