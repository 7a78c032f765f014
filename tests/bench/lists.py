"""How fast lists are with 100,000 builds and 1,000 devices in PostgreSQL: the p95 of calls over HTTP, one at a time.

The time ends with the last byte of the answer. Target: at most 50 ms each.
"""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import httpx

from farm.protocol.states import State
from tests.e2e.fleet import Fleet
from tests.support.services import postgres

from .crowd import CARDS, Crowd, fill
from .figures import Figure, Row, percentile

BUILDS, DEVICES, P95_MS = 100_000, 1_000, 50.0
_ROUNDS, _LONGEST_S = 40, 5.0


def measure() -> list[Row]:
    """One figure for each kind of call."""
    with (
        tempfile.TemporaryDirectory(prefix="farm-bench-") as folder,
        postgres(os.environ, durable=True) as server,
        server.database() as url,
    ):
        return _rows(Path(folder), url, fill(url, Path(folder) / "filled", BUILDS, DEVICES))


def _rows(folder: Path, url: str, crowd: Crowd) -> list[Row]:
    farm = Fleet(folder, url, "none")
    # Nobody beats for these devices: what they run shall run on, and they shall not be gone.
    farm.coordinator.environ.update(FARM_LEASE_TTL_S="3600", FARM_HEARTBEAT_S="600")
    try:
        farm.up()
        token = (farm.folder / "data/admin.token").read_text().strip()
        with httpx.Client(base_url=farm.url, headers={"Authorization": f"Bearer {token}"}, timeout=60) as client:
            return [timed(client, _name(path, params), path, params, P95_MS) for path, params in _calls(crowd)]
    finally:
        farm.down()


def _calls(crowd: Crowd) -> list[tuple[str, dict[str, str]]]:
    """What people and scripts ask for."""
    card = CARDS[-1][0]
    builds: list[dict[str, str]] = [
        {"state": state} for state in (State.DONE, State.FAILED, State.QUEUED, State.LEASED)
    ]
    builds += [{"target": "h200"}, {"target": "sm>=80"}, {"device": crowd.device}, {"model": crowd.model}]
    submissions: list[dict[str, str]] = [
        {"state": State.DONE},
        {"state": State.FAILED},
        {"name": crowd.model},
        {"mine": "true"},
    ]
    engines = [{"gpu": "h200"}, {"gpu": card}, {"target": "sm>=80"}, {"model": crowd.model}]
    engines += [{"gpu": "h200", "model": crowd.model}]
    lists = {"builds": builds, "submissions": submissions, "engines": engines}
    return [
        *((f"/api/v1/{name}", {"limit": "100", **item}) for name, asked in lists.items() for item in ({}, *asked)),
        ("/api/v1/devices", {}),
        (f"/api/v1/devices/{crowd.device}", {}),
        ("/api/v1/targets", {}),
        ("/api/v1/models", {}),
        (f"/api/v1/models/{crowd.model}", {}),
        *((f"/api/v1/keys/{item}", {}) for item in (crowd.engine, crowd.build, crowd.model)),
        ("/metrics", {}),
        ("/", {}),
    ]


def _name(path: str, params: dict[str, str]) -> str:
    asked = ", ".join(f"{name}={value}" for name, value in params.items() if name != "limit")
    return f"GET {path.removeprefix('/api/v1')} {asked}".strip()


def timed(client: httpx.Client, name: str, path: str, params: dict[str, str], most_ms: float) -> Figure:
    """The p95 of a call, one after the other."""
    found = []
    size = 0
    until = time.perf_counter() + _LONGEST_S
    for _ in range(_ROUNDS):
        began_s = time.perf_counter()
        answer = client.get(path, params=params or None)
        found.append(1000 * (time.perf_counter() - began_s))
        answer.raise_for_status()
        size = len(answer.content)
        if time.perf_counter() > until:
            break
    told = f"{name} ({size // 1024} KiB), p95"
    return Figure(told, percentile(found, 95), "ms", most_ms, None, (min(found), max(found)))
