"""How fast the dashboard's pages are with 100,000 builds and 1,000 devices, in PostgreSQL and in SQLite.

The p95 of whole pages over HTTP, one at a time; the time ends with the last byte. Target: at most 100 ms each.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.e2e.fleet import Fleet
from tests.support.services import postgres

from .crowd import Crowd, fill
from .figures import Figure, Row
from .lists import timed

BUILDS, DEVICES, TARGETS, P95_MS = 100_000, 1_000, 12, 100.0
# One of those that have engines for many targets.
_MODEL = "net-3-1"


def measure() -> list[Row]:
    """One figure for each page and each kind of database."""
    rows: list[Row] = []
    for kind, database in (("PostgreSQL", _postgres), ("SQLite", _sqlite)):
        with tempfile.TemporaryDirectory(prefix="farm-bench-") as name, database(Path(name)) as url:
            crowd = fill(url, Path(name) / "data", BUILDS, DEVICES, TARGETS)
            rows += _rows(Path(name), url, crowd, kind)
    return rows


@contextmanager
def _postgres(_folder: Path) -> Iterator[str]:
    with postgres(os.environ, durable=True) as server, server.database() as url:
        yield url


@contextmanager
def _sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder}/farm.db"


def _rows(folder: Path, url: str, crowd: Crowd, kind: str) -> list[Row]:
    farm = Fleet(folder, url, "none")
    # Nobody beats for these devices: what they run shall run on, and they shall not be gone.
    farm.coordinator.environ.update(FARM_LEASE_TTL_S="3600", FARM_HEARTBEAT_S="600")
    try:
        farm.up()
        token = (farm.folder / "data/admin.token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/html"}
        with httpx.Client(base_url=farm.url, headers=headers, timeout=60) as client:
            return [_figure(client, name, place, kind) for name, place in _places(client, crowd)]
    finally:
        farm.down()


def _places(client: httpx.Client, crowd: Crowd) -> list[tuple[str, str]]:
    """Every page, as people come to it."""
    answer = client.get("/api/v1/engines", params={"model": _MODEL, "limit": "8"})
    engines = [item["id"] for item in answer.raise_for_status().json()["engines"]]
    model = f"/models/{_MODEL}"
    return [
        ("fleet", "/fleet"),
        ("fleet, idle", "/fleet?state=idle"),
        ("builds", "/builds"),
        ("builds of a target", "/builds?target=h200"),
        ("a build", f"/builds/{crowd.build}"),
        ("matrix", "/models"),
        ("matrix, page 9", "/models?page=9"),
        ("matrix of a target", "/models?target=h200"),
        ("matrix of a name", "/models?model=net-3"),
        ("a model", model),
        ("an engine", f"/engines/{engines[0]}"),
        (f"compare {len(engines)} engines", "/compare?" + "&".join(f"engine={item}" for item in engines)),
        ("history", f"{model}/history"),
        ("drift", f"{model}/drift"),
    ]


def _figure(client: httpx.Client, name: str, place: str, kind: str) -> Figure:
    return timed(client, f"page {name}, {kind}", place, {}, P95_MS)
