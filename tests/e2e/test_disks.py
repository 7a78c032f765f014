"""Disks of the coordinator that fail, hang or fill up one by one, under a whole farm that runs a build."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from farm.protocol.errors import Unavailable
from farm.protocol.states import AttemptEnd, Scope, State
from farm.protocol.views import SubmissionView
from tests.support.faulty_disk import Fault, FaultyDisk
from tests.support.services import private_postgres
from tests.support.tmpfs import SmallDisk, tmpfs
from tests.support.waiting import until

from .fleet import LEASE_S, Fleet, net
from .history import landed, long, now
from .test_database import stays

pytestmark = [pytest.mark.fault, pytest.mark.slow]

_BUILDING = long(State.BUILDING)
_FOREVER_S = 600.0
_FAULTS = {
    "it cannot be written": (Fault("write", "/farm.db-wal"), "disk I/O error"),
    "it cannot be made durable": (Fault("sync", "/farm.db-wal"), "disk I/O error"),
    "it says that it is full": (Fault("write", "/farm.db-wal", errno.ENOSPC), "the disk of the database is full"),
}


@contextmanager
def up(made: Fleet) -> Iterator[Fleet]:
    """An embedded farm until the end of the block, in which nothing happens that nobody expected."""
    try:
        made.up()
        yield made
        assert "Traceback" not in made.coordinator.said(), made.coordinator.said()
    finally:
        made.down()


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, FaultyDisk]]:
    folder = tmp_path_factory.mktemp("faulty")
    disk = FaultyDisk(folder)
    made = Fleet(folder, broker_url="none")
    made.coordinator.environ.update(disk.environ)
    try:
        with up(made):
            made.worker("steady", FARM_FAILPOINTS=_BUILDING)
            yield made, disk
    finally:
        disk.mend()


@pytest.fixture
def farm(faulty: tuple[Fleet, FaultyDisk]) -> Iterator[Fleet]:
    yield faulty[0]
    faulty[1].mend()


@pytest.fixture
def disk(faulty: tuple[Fleet, FaultyDisk]) -> FaultyDisk:
    return faulty[1]


def published_once(farm: Fleet, submission: SubmissionView) -> None:
    """Fail unless the build that was under way ended well, in its only attempt."""
    ended = farm.ended(submission)
    assert [item.state for item in ended.builds] == [State.DONE], farm.story(submission)
    (only,) = farm.build(submission).attempts
    assert only.end is AttemptEnd.PUBLISHED, farm.story(submission)
    assert len(farm.engines(submission)) == 1


@pytest.mark.parametrize("what", _FAULTS)
def test_a_database_whose_disk_fails(farm: Fleet, disk: FaultyDisk, model: Path, tmp_path: Path, what: str) -> None:
    fault, told = _FAULTS[what]
    other = net(tmp_path, seed=list(_FAULTS).index(what))
    submission = farm.submit(model)
    farm.in_stage(submission, State.BUILDING)
    disk.fail(fault)
    begun = now()
    refused = farm.farm("submit", other, "-t", "cpu")
    assert refused.code == 9, (refused.out, refused.err)
    assert told in refused.err
    with httpx.Client(base_url=farm.url, headers={"Authorization": f"Bearer {farm.token}"}) as client:
        assert client.post("/api/v1/tokens", json={"name": "x", "scope": "fetch"}).status_code == 503
        # Longer than a lease; who only looks is served.
        stays(lambda: client.get("/api/v1/builds").status_code == 200, 1.5 * LEASE_S)
    assert not [item for item in farm.client.list() if item.name == other.stem]
    disk.mend()
    published_once(farm, submission)
    landed(farm.build(submission).attempts[0], State.BUILDING, begun)
    assert farm.farm("submit", other, "-t", "cpu").code == 0


def test_a_database_whose_disk_hangs_keeps_nobody_from_looking(farm: Fleet, disk: FaultyDisk, model: Path) -> None:
    submission = farm.submit(model)
    farm.in_stage(submission, State.BUILDING)
    disk.fail(Fault("sync", "/farm.db-wal", number=0, delay_s=_FOREVER_S))
    begun = now()
    with ThreadPoolExecutor(1) as pool, httpx.Client(base_url=farm.url) as client:
        client.headers["Authorization"] = f"Bearer {farm.token}"
        writes = pool.submit(farm.client.tokens.create, "waits", Scope.FETCH)
        try:
            for path in ("/api/v1/builds", "/api/v1/devices", "/readyz", "/metrics"):
                assert client.get(path).status_code == 200, path
            stays(lambda: client.get("/api/v1/submissions").status_code == 200, 1.5 * LEASE_S)
            assert not writes.done()
        finally:
            disk.mend()
        assert writes.result(30).secret
    published_once(farm, submission)
    landed(farm.build(submission).attempts[0], State.BUILDING, begun)


@pytest.mark.parametrize("call", ["write", "sync"])
def test_a_blob_store_whose_disk_fails(farm: Fleet, disk: FaultyDisk, model: Path, call: str) -> None:
    disk.fail(Fault(call, "/blobs/"))
    refused = farm.farm("submit", model, "-t", "cpu")
    assert refused.code == 9, (refused.out, refused.err)
    assert "the disk of the coordinator fails: Input/output error" in refused.err
    assert "Traceback" not in farm.coordinator.said(), farm.coordinator.said()
    assert not [item for item in farm.client.list() if item.name == model.stem]
    disk.mend()
    assert farm.farm("submit", model, "-t", "cpu").code == 0


def test_a_blob_that_cannot_be_read(farm: Fleet, disk: FaultyDisk, model: Path, tmp_path: Path) -> None:
    published_once(farm, farm.submit(model))
    disk.fail(Fault("read", "/blobs/"))
    refused = farm.farm("fetch", model.stem, "-o", tmp_path / "engine")
    assert refused.code == 9, (refused.out, refused.err)
    assert not (tmp_path / "engine" / "manifest.json").exists()
    disk.mend()
    # It was not the bytes that were wrong: nothing was put aside.
    assert farm.farm("fetch", model.stem, "-o", tmp_path / "engine").code == 0


def test_a_slow_disk_under_everything(farm: Fleet, disk: FaultyDisk, model: Path) -> None:
    disk.fail(Fault("sync", f"{farm.data}/", number=0, delay_s=0.1), Fault("write", f"{farm.data}/", 0, delay_s=0.01))
    published_once(farm, farm.submit(model))


def test_a_log_that_cannot_be_kept_costs_no_build(farm: Fleet, disk: FaultyDisk, model: Path) -> None:
    submission = farm.submit(model)
    farm.in_stage(submission, State.BUILDING)
    disk.fail(Fault("write", "/logs/"))
    published_once(farm, submission)
    stages = [item.state for item in farm.build(submission).attempts[0].stages]
    assert stages[-2:] == [State.BENCHMARKING, State.PUBLISHING]
    disk.mend()
    told = farm.farm("logs", submission.id)
    assert told.code == 0, told.err


def fill(disk: SmallDisk) -> Path:
    """Leave no byte on a disk; the file that takes them."""
    ballast = disk.path / "ballast"
    with ballast.open("wb", buffering=0) as file:
        while left := shutil.disk_usage(disk.path).free:
            file.write(bytes(min(left, 1 << 20)))
    return ballast


def is_refused(farm: Fleet) -> bool:
    """True once something that is to be stored has found no room."""
    with suppress(Unavailable):
        farm.client.tokens.create("fills", Scope.FETCH)
        return False
    return True


def test_a_full_disk_of_the_database_alone(tmp_path: Path, model: Path) -> None:
    with tmpfs(tmp_path / "small", 8 << 20) as small:
        made = Fleet(tmp_path, f"sqlite:///{small.place}/farm.db", "none")
        made.coordinator.inside = small.inside
        with up(made):
            made.worker("steady", FARM_FAILPOINTS=_BUILDING)
            submission = made.submit(model)
            made.in_stage(submission, State.BUILDING)
            ballast = fill(small)
            until(lambda: is_refused(made), 20)
            begun = now()
            refused = made.farm("submit", model, "-t", "cpu", "--force")
            assert (refused.code, "the disk of the database is full" in refused.err) == (9, True), refused.err
            assert made.farm("list").code == 0
            stays(lambda: made.coordinator.running, 1.5 * LEASE_S)
            ballast.unlink()
            published_once(made, submission)
            landed(made.build(submission).attempts[0], State.BUILDING, begun)


def test_a_full_disk_of_postgresql(tmp_path: Path, model: Path) -> None:
    with private_postgres(os.environ) as server:
        # Where the user of the server may read it.
        disk = FaultyDisk(server.folder)
        server.halt()
        server.command = [*disk.prefix, *server.command]
        server.begin()
        with up(Fleet(tmp_path, server.url, "none")) as made:
            made.worker("box")
            disk.fail(Fault("write", "/data/base/", errno.ENOSPC))
            refused = made.farm("submit", model, "-t", "cpu")
            assert (refused.code, "the disk of the database is full" in refused.err) == (9, True), refused.err
            assert not made.client.list()
            disk.mend()
            published_once(made, made.submit(model))


def test_a_full_disk_of_the_logs_alone(tmp_path: Path, model: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    with tmpfs(data / "logs", 1 << 20) as small:
        made = Fleet(tmp_path, broker_url="none", data=data)
        made.coordinator.inside = small.inside
        with up(made):
            made.worker("steady", FARM_FAILPOINTS=_BUILDING)
            submission = made.submit(model)
            made.in_stage(submission, State.BUILDING)
            ballast = fill(small)
            published_once(made, submission)
            assert "has a gap" in made.workers["steady"].said()
            ballast.unlink()
            again = made.submit(model, force=True)
            assert [item.state for item in made.ended(again).builds] == [State.DONE]
            told = made.farm("logs", again.id)
            assert "-- benchmarking" in told.out + told.err, (told.out, told.err)
