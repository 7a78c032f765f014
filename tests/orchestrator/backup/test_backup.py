"""Backups are whole whatever happens meanwhile, and become a farm elsewhere."""

from __future__ import annotations

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from farm.protocol.errors import Conflict, CoordinatorError, Invalid, Unavailable
from orchestrator.backup.making import back_up
from orchestrator.backup.restoring import restore
from orchestrator.blobs.collecting import nothing_collected
from orchestrator.files import only_one
from orchestrator.services import garbage, logs
from orchestrator.store import counts, dumps, engines, references, submissions
from orchestrator.store.submissions import Listing
from tests.support.coordinator import Coordinator, Talker, coordinator

from .conftest import Place

# What is the same on each kind of database.
once = pytest.mark.parametrize("tables_url", ["sqlite"], indirect=True)


def build(farm: Coordinator, box: Talker, content: bytes) -> str:
    submission = farm.submit(content)
    box.serve()
    engine = farm.show(submission).builds[0].engine
    assert engine
    return engine


def is_whole(farm: Coordinator) -> int:
    """Fail unless every blob that a row refers to is there with its digest; how many engines there are."""
    with farm.context.database.read() as connection:
        needed, found = references.blobs(connection), engines.newest(connection, 1000)
    for sha256 in needed:
        assert hashlib.sha256(farm.context.blobs.path(sha256).read_bytes()).hexdigest() == sha256
    return len(found)


def test_each_backup_during_builds_is_a_farm_that_goes_on(place: Place, tmp_path: Path) -> None:
    farm, box, stop = place.farm, place.farm.enrol(), Event()
    count = 3
    build(farm, box, b"before")

    def builds_on() -> int:
        made = 0
        while not stop.is_set():
            farm.submit(b"model %d" % made, name=f"model-{made}")
            box.publish(box.claim_build())
            made += 1
        return made

    folders = [tmp_path / f"backup{number}" for number in range(count)]
    with ThreadPoolExecutor(1) as pool:
        building = pool.submit(builds_on)
        try:
            told = [back_up(place.here, folder, place.environ)[0] for folder in folders]
        finally:
            stop.set()
        made = building.result()
    assert [item.damaged for item in told] == [()] * count
    assert restore(place.there, folders[-1], place.environ).damaged == ()
    with coordinator(place.there.database_url, place.there.data) as other:
        assert 1 <= is_whole(other) <= made + 1
        # What was queued, leased or about to be published goes on, with any worker.
        other.clock.pass_s(other.context.policy.lease_ttl_s + 1)
        other.reconcile()
        other.enrol("another").serve()
        with other.context.database.read() as connection:
            assert set(counts.builds(connection)) == set(counts.preparations(connection)) == set()
            submitted = len(submissions.find(connection, Listing(), None, 1000))
        assert is_whole(other) == submitted


def test_in_a_folder_with_a_backup_only_what_is_new_is_copied_and_what_went_goes(place: Place, tmp_path: Path) -> None:
    farm, box, folder = place.farm, place.farm.enrol(), tmp_path / "backup"
    gone = build(farm, box, b"first")
    first, fresh = back_up(place.here, folder, place.environ)
    assert fresh == first.blobs > 2
    again, fresh = back_up(place.here, folder, place.environ)
    assert (again.blobs, fresh) == (first.blobs, 0)
    build(farm, box, b"second")
    with farm.context.transaction() as transaction:
        references.remove_engines(transaction.connection, (gone,), transaction.at)
    second, fresh = back_up(place.here, folder, place.environ)
    assert 0 < fresh < second.blobs
    stored = [path for path in (folder / "blobs").rglob("*") if path.is_file()]
    assert len(stored) == second.blobs
    assert sum(path.stat().st_size for path in stored) == second.size_bytes
    assert [path.name for path in (folder / "states").iterdir()] == [second.database_sha256]
    assert restore(place.there, folder, place.environ).manifest == second


@once
def test_nothing_is_collected_while_a_backup_is_made(place: Place) -> None:
    context, root = place.farm.context, place.here.data / "blobs"
    with nothing_collected(root), nothing_collected(root):
        assert garbage.sweep(context, dry_run=True).dry_run
        with pytest.raises(Conflict, match="backup"):
            garbage.sweep(context, dry_run=False)
    garbage.sweep(context, dry_run=False)


@once
def test_what_the_farm_itself_lost_is_told_and_the_rest_is_kept(place: Place, tmp_path: Path) -> None:
    farm = place.farm
    build(farm, farm.enrol(), b"a model")
    lost = hashlib.sha256(b"a model").hexdigest()
    path = farm.context.blobs.path(lost)
    path.chmod(0o644)
    path.write_bytes(b"a modem")
    manifest, _ = back_up(place.here, tmp_path / "backup", place.environ)
    assert manifest.damaged == (lost,)
    assert restore(place.there, tmp_path / "backup", place.environ).damaged == (lost,)
    with coordinator(place.there.database_url, place.there.data) as other:
        assert not other.context.blobs.exists(lost)
        with other.context.database.read() as connection:
            assert len(engines.newest(connection, 10)) == 1


def test_the_log_of_what_runs_and_of_what_ended_is_kept(place: Place, tmp_path: Path) -> None:
    farm, box = place.farm, place.farm.enrol()
    farm.submit()
    preparing = box.claim()
    assert preparing
    ended = preparing.lease.attempt
    farm.context.logs.append(ended, 0, b"prepared\n")
    box.prepare(preparing)
    farm.clock.pass_s(60)
    assert logs.seal_ended(farm.context) == 1
    building = box.claim()
    assert building
    runs = building.lease.attempt
    farm.context.logs.append(runs, 0, b"builds\n")
    # As if the first had been copied before it was sealed, half.
    stale = place.here.data / "logs" / ended
    stale.mkdir()
    (stale / "0").write_bytes(b"prep")
    back_up(place.here, tmp_path / "backup", place.environ)
    restore(place.there, tmp_path / "backup", place.environ)
    with coordinator(place.there.database_url, place.there.data) as other:
        assert other.context.logs.attempts() == (runs,)
        assert logs.read(other.context, ended, 0).data == b"prepared\n"
        assert logs.read(other.context, runs, 0).data == b"builds\n"


def test_a_farm_is_never_overwritten(place: Place, tmp_path: Path) -> None:
    build(place.farm, place.farm.enrol(), b"a model")
    back_up(place.here, tmp_path / "backup", place.environ)
    with pytest.raises(Conflict, match="there is a farm already"):
        restore(place.here, tmp_path / "backup", place.environ)
    with only_one(place.there.data / "coordinator.lock", Unavailable("")), pytest.raises(Unavailable, match="runs"):
        restore(place.there, tmp_path / "backup", place.environ)
    assert is_whole(place.farm) == 1


@once
def test_a_backup_that_was_cut_short_leaves_the_earlier_one_whole(place: Place, tmp_path: Path) -> None:
    farm, folder = place.farm, tmp_path / "backup"
    build(farm, farm.enrol(), b"a model")
    with pytest.raises(Invalid, match="no whole backup"):
        restore(place.there, tmp_path, place.environ)
    first, _ = back_up(place.here, folder, place.environ)
    # What a process that was killed leaves.
    young = folder / "states/young"
    young.mkdir()
    (young / "database").write_bytes(b"half")
    assert restore(place.there, folder, place.environ).manifest == first
    assert back_up(place.here, folder, place.environ)[0].blobs == first.blobs
    assert not young.exists()


def test_a_restore_that_was_cut_short_is_begun_again(place: Place, tmp_path: Path) -> None:
    farm, folder = place.farm, tmp_path / "backup"
    build(farm, farm.enrol(), b"a model")
    manifest, _ = back_up(place.here, folder, place.environ)
    database = folder / "states" / manifest.database_sha256 / "database"
    whole = database.read_bytes()
    database.write_bytes(whole[:-1])
    with pytest.raises(Invalid, match="not what was written"):
        restore(place.there, folder, place.environ)
    database.write_bytes(whole)
    assert dumps.is_empty(place.there.database_url)
    restore(place.there, folder, place.environ)
    with coordinator(place.there.database_url, place.there.data) as other:
        assert is_whole(other) == 1


@once
def test_a_backup_is_of_a_farm_and_outside_of_it(place: Place, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="lost with it"):
        back_up(place.here, place.here.data / "backup", place.environ)
    with pytest.raises(Invalid, match="there is no farm"):
        back_up(place.there, tmp_path / "backup", place.environ)


@pytest.mark.services
def test_no_password_is_among_the_arguments_of_a_process(tmp_path: Path, postgres_url: str) -> None:
    for name in ("pg_dump", "pg_restore"):
        program = tmp_path / name
        says = f'echo "$@" >{tmp_path}/arguments; echo "$PGPASSWORD" >{tmp_path}/password'
        program.write_text(f"#!/bin/sh\n{says}\nexit 1\n")
        program.chmod(0o755)
    url = postgres_url.replace("postgres@", "postgres:s3cret@")
    environ = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    for copies in (dumps.dump, dumps.load):
        with pytest.raises(CoordinatorError, match="failed") as caught:
            copies(url, tmp_path / "x", environ, references.blobs)
        assert "s3cret" not in (tmp_path / "arguments").read_text() + str(caught.value)
        assert "--dbname=postgresql://postgres@" in (tmp_path / "arguments").read_text()
        assert (tmp_path / "password").read_text() == "s3cret\n"
    with pytest.raises(CoordinatorError, match="no pg_dump on the PATH"):
        dumps.dump(url, tmp_path / "x", {"PATH": str(tmp_path / "nothing")}, references.blobs)
