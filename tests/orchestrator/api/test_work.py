"""The way of a submit over HTTP: everything a client and a worker say to each other."""

from __future__ import annotations

import hashlib
import threading
import time

import httpx
import pytest

from farm.protocol.codec import to_json
from farm.protocol.states import Role, Scope
from farm.protocol.work import Beat, ClaimAsk
from tests.support.coordinator import cpu_facts

from .doors import API, Doors
from .worker import MODEL, Worker, submit, submitted


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


def test_a_beat_that_crosses_the_end_of_its_lease_is_no_refusal(
    small_doors: Doors, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        small_doors.client(Scope.SUBMIT) as user,
        small_doors.client(Scope.WORKER, name="one") as first,
        small_doors.client(Scope.WORKER, name="two") as second,
    ):
        worker, thief = Worker(first, small_doors, "one"), Worker(second, small_doors, "two")
        submitted(user)
        claim, result = worker.build()
        assert worker.tell(claim, "publish", result).status_code == 200
        beat = Beat(claim.lease.token)
        assert worker.tell(claim, "beat", beat).json()["error"]["code"] == "lease_lost"
        assert not [line for line in caplog.messages if "refused" in line]
        assert thief.tell(claim, "beat", beat).json()["error"]["code"] == "lease_lost"
        assert [line for line in caplog.messages if "refused" in line and "two" in line]


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
