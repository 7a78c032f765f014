"""A farm behind nginx with an authority of its own: the command, a worker, streams, large blobs, a browser's cookie."""

from __future__ import annotations

import hashlib
import os
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.fleet import Fleet, fleet, net
from tests.farm.cli.processes import Result, completed
from tests.support.coordinator import gpu_facts

from .nginx import Nginx

pytestmark = pytest.mark.slow
BIG_BYTES = 48 << 20


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet(tmp_path_factory.mktemp("farm"), broker_url="none") as made:
        yield made


@pytest.fixture(scope="module")
def nginx(farm: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    server = Nginx(farm.url, tmp_path_factory.mktemp("tls"))
    yield server
    server.stop()


@pytest.fixture
def client(farm: Fleet, nginx: Nginx) -> Iterator[httpx.Client]:
    trusted = ssl.create_default_context(cafile=str(nginx.authority))
    headers = {"Authorization": f"Bearer {farm.token}"}
    with httpx.Client(base_url=nginx.url, verify=trusted, headers=headers, timeout=30) as made:
        yield made


def command(farm: Fleet, nginx: Nginx, *arguments: object, authority: str = "") -> Result:
    """The command of a user who knows the coordinator by its TLS address only."""
    trusted = {"SSL_CERT_FILE": authority} if authority else {}
    environ = {"FARM_URL": nginx.url, "FARM_TOKEN": farm.token, "HOME": str(farm.folder), **trusted}
    return completed(*arguments, env=environ, within_s=120)


def test_a_model_is_built_by_a_worker_and_fetched_through_tls(farm: Fleet, nginx: Nginx, tmp_path: Path) -> None:
    authority = str(nginx.authority)
    worker = farm.worker("secure", FARM_URL=nginx.url, SSL_CERT_FILE=authority)
    quick = ("--duration", "0.05", "--iterations", "5", "--max-cv", "100000")
    model = net(tmp_path)
    told = command(farm, nginx, "submit", model, "--targets", "cpu", "--wait", *quick, authority=authority)
    assert told.code == 0, told.err + worker.said()
    told = command(farm, nginx, "fetch", model.stem, "-o", tmp_path / "engine", authority=authority)
    assert told.code == 0, told.err
    assert (tmp_path / "engine/manifest.json").exists()
    farm.retire(farm.workers.pop("secure"))


def test_an_authority_that_is_not_trusted_is_told_with_what_to_do(farm: Fleet, nginx: Nginx) -> None:
    told = command(farm, nginx, "list")
    assert told.code == 9
    assert "CERTIFICATE_VERIFY_FAILED" in told.err
    assert "SSL_CERT_FILE" in told.err


def test_events_arrive_as_they_happen(farm: Fleet, client: httpx.Client) -> None:
    with client.stream("GET", "/api/v1/events", timeout=20) as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        lines = events.iter_lines()
        assert next(lines)
        farm.client.devices.add("xavier", gpu_facts())
        # It would wait for the end of the answer, or for 4 KiB, in a proxy that keeps it.
        assert next(line for line in lines if line == "event: device")


def test_a_large_blob_goes_up_and_comes_back(client: httpx.Client) -> None:
    data = os.urandom(1 << 20) * (BIG_BYTES >> 20)
    sha256 = hashlib.sha256(data).hexdigest()
    assert client.put(f"/api/v1/blobs/{sha256}", content=data).status_code == 201
    answer = client.get(f"/api/v1/blobs/{sha256}")
    assert hashlib.sha256(answer.content).hexdigest() == sha256


def test_nothing_is_answered_in_the_clear(farm: Fleet, nginx: Nginx, client: httpx.Client) -> None:
    plain = httpx.get(f"{nginx.plain_url}/api/v1/devices", headers={"Authorization": f"Bearer {farm.token}"})
    assert (plain.status_code, plain.headers["location"]) == (301, "https://localhost/api/v1/devices")
    assert client.get("/readyz").headers["strict-transport-security"].startswith("max-age=")


def test_who_signs_in_through_tls_has_a_cookie_for_tls_only(farm: Fleet, client: httpx.Client) -> None:
    answer = client.post("/sign-in", data={"token": farm.token, "next": "/"})
    assert answer.status_code == 303
    assert "secure" in answer.headers["set-cookie"].lower().split("; ")
    plain = httpx.post(f"{farm.url}/sign-in", data={"token": farm.token, "next": "/"})
    assert "secure" not in plain.headers["set-cookie"].lower().split("; ")
