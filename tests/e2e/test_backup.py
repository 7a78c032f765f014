"""A farm is backed up by its command while it builds, lost, and goes on elsewhere.

On PostgreSQL; tests/orchestrator/backup tries SQLite as well, without processes.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.protocol.states import Scope, State
from tests.farm.cli.processes import Result, completed
from tests.support.backups import with_clients
from tests.support.services import Postgres

from .fleet import Fleet, fleet, net

pytestmark = [pytest.mark.services, pytest.mark.slow]


@pytest.fixture
def urls(postgres: Postgres, tmp_path: Path) -> Iterator[tuple[str, str]]:
    """Of the database of the farm, and of the one that it is restored to."""
    for name in ("before", "after"):
        (tmp_path / name).mkdir()
    with postgres.database() as here, postgres.database() as there:
        yield here, there


def test_what_was_backed_up_during_a_build_is_fetched_elsewhere_and_the_build_goes_on(
    urls: tuple[str, str], postgres: Postgres, tmp_path: Path
) -> None:
    def copies(verb: str, data: Path, url: str) -> Result:
        environ = {**with_clients(postgres), "FARM_DATABASE_URL": url}
        told = completed("coordinator", verb, tmp_path / "backup", "--data", data, env=environ)
        assert (told.code, told.err) == (0, "")
        return told

    with fleet(tmp_path / "before", urls[0], "none") as farm:
        farm.worker("first")
        done = farm.ended(farm.submit(net(tmp_path, 1), name="ready"))
        farm.retire(farm.workers.pop("first"))
        farm.worker("slow", FARM_FAILPOINTS=f"{State.BUILDING}=pause:200")
        running = farm.submit(net(tmp_path, 2), name="running")
        farm.in_stage(running, State.BUILDING)
        waiting = farm.submit(net(tmp_path, 3), name="waiting")
        told = copies("backup", farm.data, urls[0])
        assert farm.build(running).state is State.BUILDING
        engine = farm.client.engines.list()[0]
        secret = (farm.data / "admin.token").read_text()
        farm.workers["slow"].kill()
        farm.coordinator.kill()
    shutil.rmtree(farm.data)

    after = Fleet(tmp_path / "after", urls[1], "none")
    assert f"{told.out.split(' blobs')[0].rsplit(' ', 1)[-1]} blobs" in copies("restore", after.data, urls[1]).out
    # Of a token only its hash is stored: the file is its owner's to keep.
    (after.data / "admin.token").write_text(secret)
    try:
        after.up()
        folder = tmp_path / "fetched"
        fetcher = after.client.tokens.create("fetcher", Scope.FETCH).secret
        assert after.farm("fetch", "ready", "-o", folder, token=fetcher).code == 0
        manifest = json.loads((folder / "manifest.json").read_text())
        (first, *_) = manifest["files"]
        assert hashlib.sha256((folder / first["name"]).read_bytes()).hexdigest() == first["sha256"]
        assert [item.id for item in after.client.engines.list()] == [engine.id]
        assert after.farm("logs", after.build(done).id).out.count("-- verifying") == 1

        after.worker("new")
        for submission in (running, waiting):
            assert [item.state for item in after.ended(submission).builds] == [State.DONE], after.story(submission)
        assert len(after.client.engines.list()) == 3
        assert "Traceback" not in after.coordinator.said()
    finally:
        after.down()
