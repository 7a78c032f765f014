"""The way of a submit over HTTP: everything a client and a worker say to each other."""

from __future__ import annotations

import hashlib
import threading
import time
from typing import Any

import httpx
import pytest

from farm.protocol.codec import from_json, to_json
from farm.protocol.report import Verdict
from farm.protocol.states import Role, Scope
from farm.protocol.work import Beat, BuildResult, Claim, ClaimAsk, Enrolment, PreparationResult, Prepared
from tests.support.coordinator import Talker, cpu_facts

from .doors import API, Doors

MODEL = b"a model that nobody parses here"


class Worker:
    """A worker that speaks HTTP and runs nothing."""

    def __init__(self, client: httpx.Client, doors: Doors, name: str = "box") -> None:
        self.client = client
        enrolment = Enrolment(name, cpu_facts(name), (Role.HOST, Role.DEVICE), ("cpu0",))
        assert client.post(f"{API}/enrol", json=to_json(enrolment)).status_code == 200
        # Knows how results look; its context is not used.
        self.talker = Talker(doors.context, None, (), "cpu0")  # type: ignore[arg-type]

    def ask(self, nonce: str, wait_s: float = 0.0) -> httpx.Response:
        ask = ClaimAsk("cpu0", (Role.HOST, Role.DEVICE), nonce, wait_s=wait_s)
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


def submit(client: httpx.Client, **changed: Any) -> httpx.Response:
    sha256 = hashlib.sha256(MODEL).hexdigest()
    files = [{"name": "model.onnx", "size_bytes": len(MODEL), "sha256": sha256}]
    return client.post(
        f"{API}/submissions", json={"name": "net", "model": {"files": files}, "targets": ["cpu"]} | changed
    )


def submitted(client: httpx.Client, **changed: Any) -> Any:
    sha256 = hashlib.sha256(MODEL).hexdigest()
    assert client.put(f"{API}/blobs/{sha256}", content=MODEL).status_code in (200, 201)
    answer = submit(client, **changed)
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_model_becomes_an_engine_that_a_device_fetches(doors: Doors) -> None:
    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER) as device, doors.client(Scope.FETCH) as reader:
        worker = Worker(device, doors)
        missing = submit(user)
        assert missing.status_code == 409
        assert missing.json()["error"]["details"]["missing"] == [hashlib.sha256(MODEL).hexdigest()]
        submission = submitted(user, tags={"team": "vision"})
        assert submission["builds"][0]["target"] == "cpu"
        claim, result = worker.build()
        assert worker.tell(claim, "stage", {"token": claim.lease.token, "state": "building"}).status_code == 204
        published = worker.tell(claim, "publish", result)
        assert (published.status_code, published.json()["state"]) == (200, "done")
        assert worker.tell(claim, "publish", result).json() == published.json()
        ended = user.get(f"{API}/submissions/{submission['id']}").json()
        assert (ended["state"], ended["builds"][0]["exit_code"]) == ("done", 0)
        listed = user.get(f"{API}/submissions", params=[("tag", "team=vision"), ("mine", "1"), ("state", "done")])
        assert [item["id"] for item in listed.json()["submissions"]] == [submission["id"]]
        assert user.get(f"{API}/submissions", params={"tag": "team=audio"}).json() == {"submissions": []}
        answer = reader.post(f"{API}/fetch", json={"name": "net", "facts": to_json(cpu_facts())})
        assert answer.status_code == 200, answer.text
        manifest = answer.json()["manifest"]
        assert manifest["verification"]["verdict"] == "passed"
        engine = reader.get(f"{API}/blobs/{manifest['files'][0]['sha256']}").content
        assert engine == b"engine of " + claim.lease.attempt.encode()


def test_a_held_claim_is_answered_as_soon_as_there_is_work(doors: Doors) -> None:
    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER) as device:
        worker = Worker(device, doors)
        assert worker.ask("empty").status_code == 204
        answers: list[httpx.Response] = []
        held = threading.Thread(target=lambda: answers.append(worker.ask("held", wait_s=20.0)))
        held.start()
        time.sleep(0.3)  # the claim is open before there is work
        assert not answers
        begun = time.monotonic()
        submitted(user)
        held.join(10)
        assert answers[0].status_code == 200
        assert time.monotonic() - begun < 5.0


def test_work_is_not_given_to_a_worker_that_left(doors: Doors) -> None:
    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER) as device:
        worker = Worker(device, doors)
        leaving = httpx.Client(base_url=device.base_url, headers=device.headers, timeout=0.5)
        ask = ClaimAsk("cpu0", (Role.HOST, Role.DEVICE), "gone", wait_s=20.0)
        with leaving, pytest.raises(httpx.ReadTimeout):
            leaving.post(f"{API}/claims", json=to_json(ask))
        submitted(user)
        time.sleep(0.3)  # the claim that nobody waits for any more looks again
        assert worker.ask("here").status_code == 200


def test_a_held_beat_is_answered_as_soon_as_somebody_cancels(doors: Doors) -> None:
    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER) as device:
        worker = Worker(device, doors)
        submission = submitted(user)
        claim = worker.claim("prepares")
        answers: list[httpx.Response] = []
        beat = Beat(claim.lease.token, 20.0)
        held = threading.Thread(target=lambda: answers.append(worker.tell(claim, "beat", beat)))
        held.start()
        time.sleep(0.3)  # the beat is open before the cancel
        assert not answers
        user.post(f"{API}/submissions/{submission['id']}/cancel", json={})
        held.join(10)
        assert answers[0].json()["cancel"] is True


def test_a_beat_that_nothing_happens_to_ends_with_its_time(small_doors: Doors) -> None:
    with small_doors.client(Scope.SUBMIT) as user, small_doors.client(Scope.WORKER) as device:
        worker = Worker(device, small_doors)
        submitted(user)
        claim = worker.claim("prepares")
        answer = worker.tell(claim, "beat", Beat(claim.lease.token, 0.2))
        assert (answer.status_code, answer.json()) == (200, {"cancel": False, "reason": ""})


def test_nobody_speaks_for_the_lease_of_another(doors: Doors) -> None:
    with (
        doors.client(Scope.SUBMIT) as user,
        doors.client(Scope.WORKER, name="one") as first,
        doors.client(Scope.WORKER, name="two") as second,
    ):
        worker, thief = Worker(first, doors, "one"), Worker(second, doors, "two")
        submitted(user)
        claim, result = worker.build()
        for what, body in (
            ("beat", Beat(claim.lease.token)),
            ("stage", {"token": claim.lease.token, "state": "building"}),
            ("publish", result),
            ("release", {"token": claim.lease.token}),
        ):
            answer = thief.tell(claim, what, body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (409, "lease_lost"), what
        log = f"{API}/leases/{claim.lease.attempt}/log"
        assert second.post(log, params={"token": claim.lease.token, "offset": 0}, content=b"x").status_code == 409
        older = {"token": claim.lease.token - 1, "offset": 0}
        assert first.post(log, params=older, content=b"x").status_code == 409
        assert worker.tell(claim, "publish", result).status_code == 200


def test_a_worker_reads_and_writes_blobs_of_its_leases_only(doors: Doors) -> None:
    model = hashlib.sha256(MODEL).hexdigest()
    with (
        doors.client(Scope.SUBMIT) as user,
        doors.client(Scope.WORKER, name="one") as first,
        doors.client(Scope.WORKER, name="two") as second,
    ):
        worker, thief = Worker(first, doors, "one"), Worker(second, doors, "two")
        submitted(user)
        secret = b"calibration images of somebody else"
        stored = hashlib.sha256(secret).hexdigest()
        assert user.put(f"{API}/blobs/{stored}", content=secret).status_code == 201
        assert first.get(f"{API}/blobs/{model}").status_code == 403
        claim = worker.claim("prepares")
        assert first.get(f"{API}/blobs/{model}").content == MODEL
        assert second.get(f"{API}/blobs/{model}").status_code == 403
        assert first.get(f"{API}/blobs/{stored}").status_code == 403
        assert worker.put(None, b"no lease").status_code == 403
        assert thief.put(claim, b"the lease of another").status_code == 409
        assert worker.put(claim, b"mine").status_code == 201
        assert worker.put(claim, b"mine", path="0" * 64).status_code == 422
        assert worker.tell(claim, "release", {"token": claim.lease.token}).status_code == 204
        assert first.get(f"{API}/blobs/{model}").status_code == 403
        assert worker.put(claim, b"too late").status_code == 409


def test_a_worker_may_neither_submit_nor_fetch(small_doors: Doors) -> None:
    with small_doors.client(Scope.WORKER) as device:
        Worker(device, small_doors)
        assert submit(device).status_code == 403
        assert device.post(f"{API}/fetch", json={"name": "net", "facts": to_json(cpu_facts())}).status_code == 403
        assert device.get(f"{API}/engines").status_code == 403


def test_one_who_only_fetches_writes_nothing(small_doors: Doors) -> None:
    sha256 = hashlib.sha256(MODEL).hexdigest()
    with small_doors.client(Scope.FETCH) as reader:
        assert reader.put(f"{API}/blobs/{sha256}", content=MODEL).status_code == 403
        upload = {"sha256": sha256, "size_bytes": len(MODEL)}
        assert reader.post(f"{API}/uploads", json=upload).status_code == 403
