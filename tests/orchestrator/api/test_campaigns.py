"""Campaigns over HTTP: the whole way, and who may go how far of it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from farm.protocol.states import Scope
from tests.support.coordinator import cpu_facts

from .doors import API, Doors
from .worker import Worker, submitted

ASK = {"backend": "onnxruntime", "version": "1.31", "targets": ["cpu"]}


def started(doors: Doors, client: httpx.Client) -> str:
    """A campaign for a model that an old runtime built."""
    with doors.client(Scope.WORKER, name="old") as old:
        worker = Worker(old, doors, "old", cpu_facts("old", "1.19.2"))
        submitted(client, targets=["old"])
        worker.serve()
    answer = client.post(f"{API}/campaigns", json=ASK)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["campaign"]["id"])


def said(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()["campaign"]["state"]


def test_the_whole_way_is_there_for_administrators_and_half_of_it_for_who_submits(small_doors: Doors) -> None:
    open_client = small_doors.client
    with open_client() as admin, open_client(Scope.SUBMIT) as submitter, open_client(Scope.WORKER, name="new") as new:
        with open_client(Scope.FETCH) as device:
            assert device.get(f"{API}/campaigns").status_code == 403
        newer = Worker(new, small_doors, "new")
        campaign = started(small_doors, submitter)
        where = f"{API}/campaigns/{campaign}"
        assert [item["id"] for item in submitter.get(f"{API}/campaigns?limit=5").json()["campaigns"]] == [campaign]
        assert submitter.get(where).json()["items"][0]["state"] == "queued"
        assert admin.post(f"{where}/promote", json={}).status_code == 409
        assert said(submitter.post(f"{where}/hold", json={"reason": "not on a Friday"})) == "held"
        for deed, body in (("promote", {}), ("rollback", None), ("close", None)):
            assert submitter.post(f"{where}/{deed}", json=body).status_code == 403
        newer.serve()
        assert submitter.post(f"{where}/retry").status_code == 409
        assert said(admin.post(f"{where}/promote", json={"force": False})) == "promoted"
        assert said(admin.post(f"{where}/close")) == "closed"
        assert admin.post(f"{where}/rollback").status_code == 409
        assert admin.post(f"{where}/hold", json={"reason": "x" * 1001}).status_code == 422


@pytest.mark.parametrize("path", ["", "/promote", "/hold", "/retry", "/rollback", "/close"])
def test_a_campaign_that_is_not_there_is_told(small_doors: Doors, path: str) -> None:
    with small_doors.client() as admin:
        where = f"{API}/campaigns/cmp-none{path}"
        answer = admin.get(where) if not path else admin.post(where, json={} if path in ("/promote", "/hold") else None)
    assert answer.status_code == 404
    assert answer.json()["error"]["hint"] == "Run farm campaign list."
