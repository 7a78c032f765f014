"""Simulated workers: `python -m tests.bench.claimants URL`, tokens on standard input, the leases of each on its output.

Each claims over a connection of its own and fails at once what it got, until nothing is left for it.
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

_FAILURE = Failure(FailureKind.FAILED, State.BUILDING, "nothing is built here")


class Claimant(threading.Thread):
    """One worker. `leases` are the attempts it got, `seconds` how long each claim took."""

    def __init__(self, url: str, token: str, slot: str, gate: threading.Barrier) -> None:
        super().__init__()
        self.leases: list[str] = []
        self.seconds: list[float] = []
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc)
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self._slot = slot
        self._gate = gate

    def run(self) -> None:
        self._connection.connect()
        self._gate.wait()
        while True:
            began_s = time.perf_counter()
            claim = self._post("/claims", ClaimAsk(self._slot, (Role.DEVICE,), uuid.uuid4().hex))
            if claim is None:
                return
            self.seconds.append(time.perf_counter() - began_s)
            lease = claim["lease"]
            self.leases.append(lease["attempt"])
            self._post(f"/leases/{lease['attempt']}/fail", FailureReport(lease["token"], _FAILURE))

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
    claimants = [Claimant(sys.argv[1], secret, "gpu0", gate) for secret in secrets]
    for claimant in claimants:
        claimant.start()
    gate.wait()
    began_s = time.perf_counter()
    for claimant in claimants:
        claimant.join()
    took_s = time.perf_counter() - began_s
    told = {"took_s": took_s, "leases": [item.leases for item in claimants], "seconds": [x.seconds for x in claimants]}
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main()
