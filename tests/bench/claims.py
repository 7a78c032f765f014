"""How many leases a coordinator gives away: simulated workers over HTTP, on PostgreSQL, on the cores of this machine.

Each queued build is leased exactly once, and afterwards ended. Target: 200 claims a second.
"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from farm.client.transport import Transport
from farm.protocol.states import Role, Scope
from farm.protocol.work import Enrolment
from orchestrator.services.policy import Policy
from tests.e2e.fleet import Fleet
from tests.e2e.process import ROOT
from tests.support.coordinator import Coordinator, cpu_facts, gpu_facts
from tests.support.services import postgres

from .claimants import SLOTS
from .crowd import CARDS, VERSIONS
from .figures import Figure, Row, percentile

CLAIMS_PER_S = 200.0
_OF_EACH = 2
_MODELS = _OF_EACH * len(SLOTS)


def measure() -> list[Row]:
    """Leases a second, and how long a worker waits for one."""
    with (
        tempfile.TemporaryDirectory(prefix="farm-bench-") as name,
        postgres(os.environ, durable=True) as server,
        server.database() as url,
    ):
        folder = Path(name)
        farm = Fleet(folder, url, "none")
        farm.coordinator.environ.update(FARM_LEASE_TTL_S="60", FARM_HEARTBEAT_S="60")
        try:
            farm.up()
            secrets = _enrol(farm)
            queued = _fill(url, folder / "filled")
            return _rows(_claim(farm.url, secrets), queued)
        finally:
            farm.down()


def _enrol(farm: Fleet) -> list[str]:
    """Devices over HTTP, a few of each kind; their tokens."""
    secrets = []
    kinds = list(itertools.product(CARDS, VERSIONS)) * _OF_EACH
    for number, ((card, capability), version) in enumerate(kinds):
        name = f"device-{number}"
        secrets.append(farm.client.tokens.create(name, Scope.WORKER).secret)
        facts = replace(gpu_facts(card, capability, version), hostname=name)
        transport = Transport(farm.url, secrets[-1])
        transport.plain("POST", "/enrol", Enrolment(name, facts, (Role.DEVICE,), SLOTS))
        transport.close()
    return secrets


def _fill(url: str, folder: Path) -> int:
    """Prepared builds for every kind of device; how many."""
    # Its clock stands still, that of the real coordinator does not.
    farm = Coordinator(url, folder, Policy(lease_ttl_s=3600.0))
    farm.clock.now = time.time()
    try:
        host = farm.enrol("host", cpu_facts("host"), (Role.HOST,))
        kinds = tuple(f"device-{number}" for number in range(len(CARDS) * len(VERSIONS)))
        for number in range(_MODELS):
            farm.submit(b"model %d" % number, kinds, name=f"net-{number}")
        assert len(host.serve()) == _MODELS
        return _MODELS * len(kinds)
    finally:
        farm.context.database.close()


def _claim(url: str, secrets: list[str]) -> Any:
    command = [sys.executable, "-m", "tests.bench.claimants", url]
    given = json.dumps(secrets)
    return json.loads(
        subprocess.run(command, input=given, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout
    )


def _rows(told: dict[str, Any], queued: int) -> list[Row]:
    leases, waits_ms = told["leases"], [1000 * seconds for seconds in told["seconds"]]
    assert len(set(leases)) == len(leases) == queued, f"{len(leases)} leases of {queued} builds"
    workers = len(leases) // len(SLOTS)
    return [
        Figure(f"claims of {workers} workers at once", queued / told["claimed_s"], "/s", least=CLAIMS_PER_S),
        Figure("a claim among them, p50", percentile(waits_ms, 50), "ms"),
        Figure("a claim among them, p95", percentile(waits_ms, 95), "ms"),
        Figure("the ends of these leases", queued / told["ended_s"], "/s"),
    ]
