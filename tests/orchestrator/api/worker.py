"""A worker that speaks HTTP and runs nothing, and the submits that give it work."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import httpx

from farm.protocol.codec import from_json, to_json
from farm.protocol.facts import DeviceFacts
from farm.protocol.report import Verdict
from farm.protocol.states import Role
from farm.protocol.work import BuildResult, Claim, ClaimAsk, Enrolment, PreparationResult, Prepared
from tests.support.coordinator import Talker, cpu_facts

from .doors import API, Doors

MODEL = b"a model that nobody parses here"


class Worker:
    """Says all a worker says; what it publishes are real blobs of a few bytes."""

    def __init__(
        self,
        client: httpx.Client,
        doors: Doors,
        name: str = "box",
        facts: DeviceFacts | None = None,
        roles: tuple[Role, ...] = (Role.HOST, Role.DEVICE),
    ) -> None:
        self.client = client
        self.name = name
        self.roles = roles
        self._nonces = itertools.count(1)
        self.slot = "gpu0" if facts and facts.gpus else "cpu0"
        self.enrol(facts or cpu_facts(name))
        # Knows how results look; its context is not used.
        self.talker = Talker(doors.context, None, (), self.slot)  # type: ignore[arg-type]

    def enrol(self, facts: DeviceFacts) -> None:
        """Introduce the device, as a worker does whenever it starts."""
        answer = self.client.post(f"{API}/enrol", json=to_json(Enrolment(self.name, facts, self.roles, (self.slot,))))
        assert answer.status_code == 200, answer.text

    def ask(self, nonce: str, wait_s: float = 0.0) -> httpx.Response:
        ask = ClaimAsk(self.slot, self.roles, nonce, wait_s=wait_s)
        return self.client.post(f"{API}/claims", json=to_json(ask))

    def claim(self, nonce: str) -> Claim:
        answer = self.ask(nonce)
        assert answer.status_code == 200, answer.text
        return from_json(Claim, answer.json())

    def tell(self, claim: Claim, what: str, body: Any) -> httpx.Response:
        return self.client.post(f"{API}/leases/{claim.lease.attempt}/{what}", json=to_json(body))

    def put(self, claim: Claim | None, data: bytes, path: str = "") -> httpx.Response:
        lease = {"Farm-Lease": f"{claim.lease.attempt}:{claim.lease.token}"} if claim else {}
        sha256 = hashlib.sha256(data).hexdigest()
        return self.client.put(f"{API}/blobs/{path or sha256}", content=data, headers=lease)

    def prepared(self, claim: Claim) -> PreparationResult:
        work = claim.preparation
        assert work is not None
        inputs = b"inputs of " + work.preparation.encode()
        assert self.put(claim, inputs).status_code in (200, 201)
        sha256 = hashlib.sha256(inputs).hexdigest()
        made = Prepared(work.model.files, (), (), sha256, sha256, "onnxruntime 1.31.1")
        return PreparationResult(claim.lease.token, made, 12.0)

    def built(self, claim: Claim) -> BuildResult:
        assert self.put(claim, b"engine of " + claim.lease.attempt.encode()).status_code in (200, 201)
        return self.talker.result(claim, Verdict.PASSED)

    def build(self) -> tuple[Claim, BuildResult]:
        """Prepare, then claim the build; the engine's bytes are stored, and it is not published."""
        first = self.claim("prepares")
        assert self.tell(first, "prepared", self.prepared(first)).status_code == 200
        second = self.claim("builds")
        return second, self.built(second)

    def serve(self) -> list[str]:
        """Claim and complete whatever there is; the engines that were published, in their order."""
        engines = []
        while (answer := self.ask(f"serves-{next(self._nonces)}")).status_code == 200:
            claim = from_json(Claim, answer.json())
            if claim.preparation:
                assert self.tell(claim, "prepared", self.prepared(claim)).status_code == 200
                continue
            published = self.tell(claim, "publish", self.built(claim))
            assert published.status_code == 200, published.text
            engines.append(str(published.json()["engine"]))
        return engines


def stored(client: httpx.Client, content: bytes) -> str:
    """Store a blob; its digest."""
    sha256 = hashlib.sha256(content).hexdigest()
    assert client.put(f"{API}/blobs/{sha256}", content=content).status_code in (200, 201)
    return sha256


def submit(client: httpx.Client, content: bytes = MODEL, **changed: Any) -> httpx.Response:
    """The answer to a submit of a model with these bytes, which nobody stored before."""
    files = [{"name": "model.onnx", "size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}]
    ask = {"name": "net", "model": {"files": files}, "targets": ["cpu"]} | changed
    return client.post(f"{API}/submissions", json=to_json(ask))


def submitted(client: httpx.Client, content: bytes = MODEL, **changed: Any) -> Any:
    """A submission of a model with these bytes."""
    stored(client, content)
    answer = submit(client, content, **changed)
    assert answer.status_code == 201, answer.text
    return answer.json()
