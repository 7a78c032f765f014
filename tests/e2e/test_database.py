"""The database goes away under a whole farm and comes back: said in a sentence, and nothing is lost."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from farm.protocol.states import AttemptEnd, Scope, State
from tests.orchestrator.store.test_database import terminate_all
from tests.support.services import RestartablePostgres, private_postgres

from .fleet import LEASE_S, Fleet, fleet
from .history import landed, long, now

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Fleet, RestartablePostgres]]:
    """A fleet on a PostgreSQL of its own, which waits for the disk as a farm's does."""
    with (
        private_postgres(os.environ, durable=True) as server,
        fleet(tmp_path_factory.mktemp("fleet"), server.url, "none") as made,
    ):
        yield made, server
        assert "Traceback" not in made.coordinator.said()


def asking(farm: Fleet) -> httpx.Client:
    """Asks with a token of its own, once for each call."""
    secret = farm.client.tokens.create("asks", Scope.ADMIN).secret
    return httpx.Client(base_url=farm.url, headers={"Authorization": f"Bearer {secret}"}, timeout=30.0)


def test_the_database_stops_during_a_build_and_starts_again(
    served: tuple[Fleet, RestartablePostgres], model: Path
) -> None:
    farm, server = served
    worker = farm.worker("steady", FARM_FAILPOINTS=long(State.BUILDING))
    submission = farm.submit(model)
    first = farm.in_stage(submission, State.BUILDING)
    with asking(farm) as client:
        assert client.get("/api/v1/builds").status_code == 200
        server.halt()
        stopped = now()
        ready, builds, unknown = client.get("/readyz"), client.get("/api/v1/builds"), _asked_by_nobody_known(farm)
        assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
        for refused in (builds, unknown):
            assert refused.status_code == 503, refused.text
            told = refused.json()["error"]
            assert told["message"].startswith("the database does not answer: ")
            assert "\n" not in told["message"]
            assert told["hint"]
        # Longer than a lease: its holder cannot hold it, and that is not the holder's fault.
        stays(lambda: client.get("/readyz").status_code == 503, 1.5 * LEASE_S)
        metrics = client.get("/metrics")
        assert metrics.status_code == 200
        assert "farm_database_up 0.0" in metrics.text
        assert "farm_builds{" not in metrics.text
        assert farm.farm("list").code == 9

        server.begin()
        assert client.get("/api/v1/builds").status_code == 200
        assert client.get("/readyz").json()["status"] == "ok"
        assert "farm_database_up 1.0" in client.get("/metrics").text
    ended = farm.ended(submission)
    assert [item.state for item in ended.builds] == [State.DONE], farm.story(submission)
    (only,) = farm.build(submission).attempts
    assert (only.id, only.end) == (first.id, AttemptEnd.PUBLISHED)
    landed(only, State.BUILDING, stopped)
    assert len(farm.engines(submission)) == 1
    farm.retire(worker)


def stays(true: Callable[[], bool], for_s: float) -> None:
    """Fail unless it is true for so long."""
    until = time.monotonic() + for_s
    while time.monotonic() < until:
        assert true()


def _asked_by_nobody_known(farm: Fleet) -> httpx.Response:
    """The answer to a token that was not asked with before: it cannot be looked up."""
    return httpx.get(f"{farm.url}/api/v1/builds", headers={"Authorization": "Bearer farm_unknown"}, timeout=30.0)


def test_every_connection_is_cut_between_two_requests_and_nobody_notices(
    served: tuple[Fleet, RestartablePostgres], model: Path
) -> None:
    farm, server = served
    worker = farm.worker("unmoved", FARM_FAILPOINTS=long(State.BUILDING))
    submission = farm.submit(model)
    farm.in_stage(submission, State.BUILDING)
    cuts = []
    with asking(farm) as client:
        for _ in range(5):
            assert client.get("/api/v1/builds").status_code == 200
            assert terminate_all(server.url) > 0
            cuts.append(now())
            assert client.get("/api/v1/builds").status_code == 200
            assert client.get("/readyz").status_code == 200
    farm.ended(submission)
    (only,) = farm.build(submission).attempts
    assert only.end is AttemptEnd.PUBLISHED, farm.story(submission)
    landed(only, State.BUILDING, *cuts)
    farm.retire(worker)
