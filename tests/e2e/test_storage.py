"""Storage that fails under a whole farm: a clear error, nothing visible, and a second try that succeeds."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import onnx
import pytest
from sqlalchemy import create_engine, text

from farm.protocol.states import State
from tests.farm.cli.processes import start
from tests.support import models
from tests.support.tmpfs import tmpfs
from tests.support.waiting import until

from .fleet import QUICK, Fleet

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]

_QUICK = ("--duration", QUICK.duration_s, "--iterations", QUICK.iterations, "--max-cv", QUICK.max_cv_percent)
_MIB = 1 << 20


@pytest.fixture(scope="module")
def farm(shared: Fleet) -> Iterator[Fleet]:
    worker = shared.worker("store")
    yield shared
    assert worker.running, worker.said()
    shared.retire(worker)


def heavy(folder: Path, size_bytes: int, seed: int) -> Path:
    """A model with so many bytes of weights, another one for each seed."""
    rows = size_bytes // 4 // 16
    weights = (np.random.default_rng(seed).standard_normal((rows, 16)) * 0.01).astype(np.float32)
    path = folder / f"heavy{seed}.onnx"
    network = models.model(
        [onnx.helper.make_node("MatMul", ["x", "w"], ["y"])],
        {"x": ("float32", [1, rows])},
        {"y": ("float32", [1, 16])},
        {"w": weights},
    )
    onnx.save(network, str(path))
    return path


def blob(farm: Fleet, sha256: str) -> Path:
    """Where the coordinator keeps a blob; it must be there once."""
    (found,) = (path for path in farm.data.rglob(sha256) if path.is_file())
    return found


def prepared_files(farm: Fleet, preparation: str | None) -> list[dict[str, str]]:
    """What a preparation made, read from the database of the coordinator."""
    engine = create_engine(farm.coordinator.environ["FARM_DATABASE_URL"])
    try:
        with engine.connect() as connection:
            query = text("SELECT prepared FROM preparation WHERE id = :id")
            found = connection.execute(query, {"id": preparation}).scalar_one()
    finally:
        engine.dispose()
    files: list[dict[str, str]] = json.loads(found)["files"]
    return files


def flip(path: Path) -> None:
    """Change one bit in the middle of a file."""
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
        os.fsync(file.fileno())


def test_an_upload_that_is_torn_is_resumed_by_the_next_submit(farm: Fleet, tmp_path: Path) -> None:
    path = heavy(tmp_path, 40 * _MIB, seed=1)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    environ = {"FARM_URL": farm.url, "FARM_TOKEN": farm._token, "HOME": str(farm.folder)}
    # A megabyte each tenth of a second, so that the kill falls into the transfer.
    slowly = """
import time
from farm.client import upload
_read = upload._chunks
def _slowly(*args):
    for chunk in _read(*args):
        time.sleep(len(chunk) / (10 << 20))
        yield chunk
upload._chunks = _slowly
"""
    parts = farm.data
    with start("submit", path, "-t", "store", env=environ, python=slowly, stderr=subprocess.DEVNULL) as child:
        until(lambda: any(_MIB <= item.stat().st_size < path.stat().st_size for item in parts.rglob("*.part")), 30)
        child.kill()
    with httpx.Client(base_url=farm.url, headers={"Authorization": f"Bearer {farm._token}"}) as http:
        assert http.head(f"/api/v1/blobs/{sha256}").status_code == 404
        assert not farm.client.list(name=path.stem)
        begun = http.post("/api/v1/uploads", json={"sha256": sha256, "size_bytes": path.stat().st_size})
        assert begun.json()["offset_bytes"] >= _MIB, begun.text
    told = farm.json("submit", path, "-t", "store", "--wait", *_QUICK)
    assert [item["state"] for item in told["builds"]] == ["done"]
    assert hashlib.sha256(blob(farm, sha256).read_bytes()).hexdigest() == sha256


def test_bytes_under_a_wrong_digest_are_never_visible(farm: Fleet, model: Path) -> None:
    content = model.read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    wrong = content[:-1] + bytes([content[-1] ^ 1])
    with httpx.Client(base_url=farm.url, headers={"Authorization": f"Bearer {farm._token}"}) as http:
        refused = http.put(f"/api/v1/blobs/{sha256}", content=wrong)
        assert (refused.status_code, refused.json()["error"]["code"]) == (422, "blob_corrupt")
        assert http.head(f"/api/v1/blobs/{sha256}").status_code == 404
    assert not list(farm.data.rglob(sha256))
    ended = farm.ended(farm.submit(model, "store"))
    assert [item.state for item in ended.builds] == [State.DONE]


def test_a_full_disk_of_the_coordinator(tmp_path: Path) -> None:
    model = heavy(tmp_path, 6 * _MIB, seed=2)
    with tmpfs(tmp_path / "small", 96 * _MIB) as disk:
        small = disk.path
        made = Fleet(tmp_path, broker_url="none", data=disk.place / "data")
        made.coordinator.inside, made.data = disk.inside, small / "data"
        made.coordinator.environ["FARM_RESERVE_BYTES"] = "0"
        try:
            made.up()
            made.worker("box")
            ballast = small / "ballast"
            ballast.write_bytes(bytes(shutil.disk_usage(small).free - 2 * _MIB))
            told = made.farm("submit", model, "-t", "box", "--wait", *_QUICK)
            assert told.code == 9, (told.out, told.err)
            assert "do not fit" in told.err, told.err
            assert not made.client.list()
            assert not [item for item in made.client.models.list() if item.name == model.stem]
            ballast.unlink()
            again = made.json("submit", model, "-t", "box", "--wait", *_QUICK)
            assert [item["state"] for item in again["builds"]] == ["done"]
            assert made.coordinator.running
        finally:
            made.down()


def test_a_full_disk_of_a_worker_fails_the_build_and_not_the_worker(farm: Fleet, tmp_path: Path) -> None:
    path = heavy(tmp_path, 8 * _MIB, seed=3)
    # Prepared where there is room; then nobody but the small one is left to build.
    farm.json("submit", path, "-t", "store", "--wait", *_QUICK)
    farm.client.devices.drain("store")
    with tmpfs(tmp_path / "tiny", 12 * _MIB) as tiny:
        worker = farm.make_worker("tiny", "--data", str(tiny.place / "data"), "--roles", "device")
        worker.inside = tiny.inside
        worker.start()
        farm.await_worker(worker)
        told = farm.farm("submit", path, "-t", "tiny", "--wait", "--force", *_QUICK)
        assert told.code == 1, (told.out, told.err)
        assert "full" in told.out + told.err or "No space" in told.out + told.err, (told.out, told.err)
        assert worker.running
        tiny.resize(256 * _MIB)
        again = farm.json("submit", path, "-t", "tiny", "--wait", "--force", *_QUICK)
        assert [item["state"] for item in again["builds"]] == ["done"]
        farm.retire(worker)
    farm.client.devices.undrain("store")


def test_an_engine_that_rots_on_the_disk_is_not_handed_out(farm: Fleet, model: Path, tmp_path: Path) -> None:
    assert farm.json("submit", model, "-t", "store", "--wait", *_QUICK)["builds"][0]["state"] == "done"
    (engine,) = [item for item in farm.client.engines.list() if item.model_name == model.stem]
    (file,) = [item for item in farm.client.engines.show(engine.id).manifest.files if item.name.startswith("engine")]
    flip(blob(farm, file.sha256))
    told = farm.farm("fetch", model.stem, "-o", tmp_path / "engine")
    assert told.code == 9, (told.out, told.err)
    assert "corrupt on the coordinator" in told.err
    assert "--force" in told.err
    assert not (tmp_path / "engine" / file.name).exists()
    again = farm.json("submit", model, "-t", "store", "--wait", "--force", *_QUICK)
    assert [item["state"] for item in again["builds"]] == ["done"]
    assert farm.farm("fetch", model.stem, "-o", tmp_path / "engine").code == 0


def test_a_prepared_graph_that_rots_is_prepared_again(farm: Fleet, model: Path) -> None:
    submission = farm.ended(farm.submit(model, "store"))
    assert [item.state for item in submission.builds] == [State.DONE]
    flip(blob(farm, prepared_files(farm, submission.builds[0].preparation)[0]["sha256"]))
    # Another device has nothing in its cache.
    farm.client.devices.drain("store")
    with_empty_cache = farm.worker("empty")
    failed = farm.ended(farm.submit(model, "empty", force=True))
    assert [item.state for item in failed.builds] == [State.FAILED]
    assert "corrupt on the coordinator" in failed.builds[0].reason
    again = farm.ended(farm.submit(model, "empty", force=True))
    assert [item.state for item in again.builds] == [State.DONE], farm.story(again)
    farm.retire(with_empty_cache)
    farm.client.devices.undrain("store")
