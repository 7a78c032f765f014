"""Simulated workers: `python -m tests.bench.claimants URL`, tokens on standard input, the leases of each on its output.

Each has a connection of its own, claims for each of its slots, and, when all have claimed, ends what it got.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
import uuid
from typing import Any
from urllib.parse import urlsplit

from farm.protocol.codec import to_json
from farm.protocol.report import Failure, FailureKind
from farm.protocol.states import Role, State
from farm.protocol.work import ClaimAsk, FailureReport

# Named so that each serves whatever its device can.
SLOTS = tuple(f"slot-{number}" for number in range(40))
_FAILURE = Failure(FailureKind.FAILED, State.BUILDING, "nothing is built here")


class Claimant(threading.Thread):
    """One worker. `leases` are what it got, `seconds` how long each claim took."""

    def __init__(self, url: str, token: str, gate: threading.Barrier) -> None:
        super().__init__()
        self.leases: list[dict[str, Any]] = []
        self.seconds: list[float] = []
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._gate = gate

    def run(self) -> None:
        try:
            self._work()
        except threading.BrokenBarrierError:
            pass  # another one says why
        except BaseException:
            # Nobody waits for one that will not come.
            self._gate.abort()
            raise

    def _work(self) -> None:
        self._connection.connect()
        self._gate.wait()
        for slot in SLOTS:
            began_s = time.perf_counter()
            claim = self._post("/claims", ClaimAsk(slot, (Role.DEVICE,), uuid.uuid4().hex))
            self.seconds.append(time.perf_counter() - began_s)
            self.leases.append(claim["lease"])
        self._gate.wait()
        for lease in self.leases:
            self._post(f"/leases/{lease['attempt']}/fail", FailureReport(lease["token"], _FAILURE))
        self._gate.wait()

    def _post(self, path: str, body: Any) -> Any:
        self._connection.request("POST", f"/api/v1{path}", json.dumps(to_json(body)), self._headers)
        answer = self._connection.getresponse()
        told = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{path}: {answer.status} {told!r}")
        return json.loads(told) if told else None


def main() -> None:
    """Run them all at once."""
    secrets = json.load(sys.stdin)
    gate = threading.Barrier(len(secrets) + 1)
    claimants = [Claimant(sys.argv[1], secret, gate) for secret in secrets]
    for claimant in claimants:
        claimant.start()
    moments = []
    for _ in range(3):
        gate.wait()
        moments.append(time.perf_counter())
    for claimant in claimants:
        claimant.join()
    told = {
        "claimed_s": moments[1] - moments[0],
        "ended_s": moments[2] - moments[1],
        "leases": [lease["attempt"] for item in claimants for lease in item.leases],
        "seconds": [seconds for item in claimants for seconds in item.seconds],
    }
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
