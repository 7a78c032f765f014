from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from farm.protocol.codec import to_json
from farm.protocol.facts import BackendFacts
from farm.protocol.states import Scope
from farm.protocol.target import targets_from_facts

from .doors import API, Doors, enrol, facts

ONLY = "backend=onnxruntime"


def test_a_device_enrols_and_is_shown_with_what_selects_it(doors: Doors) -> None:
    with doors.client(Scope.WORKER) as worker, doors.client() as admin:
        told = enrol(worker, "bench-1").json()
        assert told["broker_url"] is None
        assert told["poll_s"] > 0
        (shown,) = admin.get(f"{API}/devices").json()["devices"]
        assert shown["name"] == "bench-1"
        assert shown["state"] == "idle"
        assert "rtx4090" in shown["words"]
        assert shown["facts"] == to_json(facts("rtx4090"))


def test_a_device_that_falls_silent_is_late_then_gone_and_comes_back(doors: Doors) -> None:
    with doors.client(Scope.WORKER) as worker, doors.client() as admin:
        enrol(worker, "bench-1")

        def state() -> str:
            return str(admin.get(f"{API}/devices/bench-1").json()["state"])

        assert state() == "idle"
        doors.clock.pass_s(doors.context.policy.late_s + 1)
        assert state() == "late"
        doors.clock.pass_s(doors.context.policy.gone_s)
        assert state() == "gone"
        assert worker.post(f"{API}/heartbeat", json={}).json() == {"drain": False, "enrol": False}
        assert state() == "idle"


def test_telemetry_is_kept_with_its_moment(doors: Doors) -> None:
    with doors.client(Scope.WORKER) as worker, doors.client() as admin:
        enrol(worker, "bench-1")
        worker.post(f"{API}/heartbeat", json={"telemetry": {"temperature_celsius": 61.5}, "sampled_s_ago": 2.0})
        shown = admin.get(f"{API}/devices/bench-1").json()
    assert shown["telemetry"] == {"temperature_celsius": 61.5}
    assert shown["telemetry_at"] < shown["last_seen_at"]


def test_a_drained_device_is_told_and_a_retired_one_comes_back_with_a_new_token_only(doors: Doors) -> None:
    with doors.client(Scope.WORKER) as worker, doors.client() as admin:
        enrol(worker, "bench-1")
        assert admin.post(f"{API}/devices/bench-1/drain").json()["state"] == "draining"
        assert worker.post(f"{API}/heartbeat", json={}).json()["drain"]
        assert admin.post(f"{API}/devices/bench-1/undrain").json()["state"] == "idle"
        assert admin.post(f"{API}/devices/bench-1/retire").json()["state"] == "retired"
        assert admin.get(f"{API}/devices").json()["devices"] == []
        assert worker.post(f"{API}/heartbeat", json={}).status_code == 401
        assert enrol(worker, "bench-1").status_code == 401
        with doors.client(Scope.WORKER, name="another") as again:
            assert enrol(again, "bench-1").status_code == 200
        assert admin.get(f"{API}/devices/bench-1").json()["state"] == "idle"


def test_a_recorded_device_is_planned_for_and_never_enrols(doors: Doors) -> None:
    with doors.client() as admin, doors.client(Scope.WORKER) as worker:
        body = {"name": "xavier-lab", "facts": to_json(facts("xavier"))}
        shown = admin.post(f"{API}/devices", json=body).json()
        assert shown["state"] == "recorded"
        assert "xavier" in shown["words"]
        assert admin.post(f"{API}/devices", json=body).status_code == 200
        assert enrol(worker, "xavier-lab").status_code == 409
        enrol(worker, "bench-1")
        assert admin.post(f"{API}/devices", json={**body, "name": "bench-1"}).status_code == 409


def test_the_owners_words_bound_what_a_device_serves(doors: Doors) -> None:
    with doors.client(Scope.WORKER, name="one-runtime", targets=(ONLY,)) as worker, doors.client() as admin:
        refused = enrol(worker, "bench-1", targets=("rtx4090",))
        assert refused.status_code == 403
        both = replace(facts("h200"), backends=(*facts("h200").backends, BackendFacts("onnxruntime", "1.31.1")))
        assert enrol(worker, "bench-1", facts=both).status_code == 200
        shown = admin.get(f"{API}/devices/bench-1").json()
    assert len(targets_from_facts(both)) == 2
    assert [label.endswith("onnxruntime 1.31.1") for label in shown["targets"]] == [True]


def test_a_word_nobody_knows_bounds_nothing(doors: Doors) -> None:
    with doors.client(Scope.WORKER, name="typo", targets=("xvier",)) as worker:
        assert enrol(worker, "bench-1").status_code == 422


@pytest.mark.parametrize("name", ["../etc", "a/b", "a:b", "*", "", "x" * 64, "a\x00b", "-x", ".."])
def test_names_that_reach_elsewhere_cannot_name_a_device(small_doors: Doors, name: str) -> None:
    with small_doors.client(Scope.WORKER) as worker:
        assert enrol(worker, name).status_code == 422


def test_slots_are_named_once(small_doors: Doors) -> None:
    with small_doors.client(Scope.WORKER) as worker:
        assert enrol(worker, "bench-1", slots=()).status_code == 422
        assert enrol(worker, "bench-1", slots=("cpu0", "cpu0")).status_code == 422
        assert enrol(worker, "bench-1", slots=("../x",)).status_code == 422
        assert enrol(worker, "bench-1", roles=()).status_code == 422


def test_own_target_words_are_added_used_and_removed(doors: Doors) -> None:
    with doors.client(Scope.WORKER) as worker, doors.client() as admin:
        enrol(worker, "bench-1")
        body = {"filter": "sm>=80,mem>=16GiB", "aliases": ["big"], "description": "large cards"}
        assert admin.put(f"{API}/targets/large", json=body).json()["devices"] == ["bench-1"]
        listed = {item["name"]: item for item in admin.get(f"{API}/targets").json()["targets"]}
        assert not listed["large"]["builtin"]
        assert listed["rtx4090"]["devices"] == ["bench-1"]
        assert listed["v100"]["devices"] == []
        assert listed["large"]["tried"] == ""
        assert listed["v100"]["tried"] == listed["xavier"]["tried"] == "not run on hardware"
        assert "large" in admin.get(f"{API}/devices/bench-1").json()["words"]
        taken: tuple[tuple[str, Any], ...] = (("cpu", body), ("other", {**body, "aliases": ["BIG"]}))
        for name, wrong in taken:
            assert admin.put(f"{API}/targets/{name}", json=wrong).status_code == 409
        bad: tuple[tuple[str, Any], ...] = (
            ("all", body),
            ("a b", body),
            ("x", {"filter": "sm>>8"}),
            ("x", {"filter": ""}),
        )
        for name, wrong in bad:
            assert admin.put(f"{API}/targets/{name}", json=wrong).status_code == 422
        assert admin.delete(f"{API}/targets/cpu").status_code == 409
        assert admin.delete(f"{API}/targets/large").status_code == 204
        assert admin.delete(f"{API}/targets/large").status_code == 404
