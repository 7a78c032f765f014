"""What Prometheus reads, after real work went through the doors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from farm.protocol.errors import FarmError
from farm.protocol.report import Verdict
from farm.protocol.states import BUILD_STAGES, Scope
from farm.protocol.work import Claim
from orchestrator.api.app import make_app
from orchestrator.queue.celery_wakeups import CeleryWakeups
from orchestrator.services import fleet
from tests.support.coordinator import coordinator, gpu_facts
from tests.support.waiting import until

from .doors import API, Doors, Served
from .worker import MODEL, Worker, submitted

ROOT = Path(__file__).parents[3]
REQUESTS = "farm_http_request_duration_seconds_count"


class Scrape:
    """One answer of /metrics, parsed as Prometheus parses it."""

    def __init__(self, client: httpx.Client) -> None:
        answer = client.get("/metrics")
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/plain")
        self.text = answer.text
        self.families = list(text_string_to_metric_families(answer.text))
        self._values = {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in self.families
            for sample in family.samples
        }

    def __call__(self, name: str, **labels: str) -> float:
        """The value of one series, which must be there."""
        return self._values[name, tuple(sorted(labels.items()))]

    def series(self, name: str) -> dict[str, float]:
        """Every series with this name and one label, by the value of that."""
        return {labels[0][1]: value for (found, labels), value in self._values.items() if found == name}


def label_of(claim: Claim) -> str:
    assert claim.build is not None
    return claim.build.key.target.label()


@pytest.fixture
def admin(doors: Doors) -> Iterator[httpx.Client]:
    with doors.client() as client:
        yield client


def test_an_empty_farm_says_0_and_not_nothing(admin: httpx.Client) -> None:
    found = Scrape(admin)
    assert found.series("farm_builds") == dict.fromkeys(("waiting", "queued", "leased", *map(str, BUILD_STAGES)), 0.0)
    assert set(found.series("farm_preparations_ended_total").values()) == {0.0}
    assert found.series("farm_builds_queued") == {}
    assert found("farm_database_up") == found("farm_database_writable") == found("farm_broker_up") == 1.0
    assert found("farm_leases_expired_total") == 0.0
    assert found("process_resident_memory_bytes") > 1_000_000


def test_names_and_help_are_as_prometheus_wants_them(admin: httpx.Client) -> None:
    for family in Scrape(admin).families:
        assert family.documentation, family.name
        if family.name.startswith("farm_"):
            assert not family.name.endswith(("_ms", "_count", "_sum", "_kb")), family.name
            assert all("_total" in sample.name for sample in family.samples if family.type == "counter"), family.name


def test_each_metric_is_explained_to_operators(admin: httpx.Client) -> None:
    told = (ROOT / "docs/operations.md").read_text()
    missing = [family.name for family in Scrape(admin).families if f"`{family.name}" not in told]
    assert [name for name in missing if not name.startswith("process_")] == []


def test_the_queue_is_told_by_target_with_the_age_of_the_oldest(doors: Doors, admin: httpx.Client) -> None:
    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER) as device:
        worker = Worker(device, doors)
        doors.farm.enrol("gpu", gpu_facts(version="10.4.0.26"), slots=("gpu0",))
        submitted(user, targets=["cpu", "h200"])
        doors.clock.pass_s(7.0)
        waiting = Scrape(admin)
        assert waiting.series("farm_builds")["waiting"] == 2
        assert waiting("farm_preparations", state="queued") == 1
        assert waiting("farm_preparations_queued_oldest_seconds") == pytest.approx(7.0)
        assert waiting.series("farm_builds_queued") == {}

        first = worker.claim("prepares")
        assert worker.tell(first, "prepared", worker.prepared(first)).status_code == 200
        doors.clock.pass_s(11.0)
        submitted(user, MODEL + b" 2", targets=["cpu"], name="other")
        second = worker.claim("prepares again")
        assert worker.tell(second, "prepared", worker.prepared(second)).status_code == 200
        doors.clock.pass_s(2.0)
        queued = Scrape(admin)
    cpu, gpu = (next(name for name in queued.series("farm_builds_queued") if word in name) for word in ("onnx", "H200"))
    assert queued.series("farm_builds_queued") == {cpu: 2.0, gpu: 1.0}
    assert queued.series("farm_builds_queued_oldest_seconds") == pytest.approx({cpu: 13.0, gpu: 13.0})
    assert queued("farm_builds", state="queued") == 3
    # Where the first build fails, a rule sees that it was 0 before.
    assert queued("farm_builds_ended_total", target=gpu, state="failed") == 0
    assert queued("farm_preparations_ended_total", state="done") == 2
    assert queued("farm_requests_placed_total", state="waiting") == 3


def test_a_build_is_followed_from_its_lease_to_its_engine(doors: Doors, admin: httpx.Client) -> None:
    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER) as device:
        worker = Worker(device, doors)
        submitted(user)
        preparing = worker.claim("prepares")
        prepared = worker.prepared(preparing)
        worker.tell(preparing, "prepared", prepared)
        claim = worker.claim("builds")
        result = worker.built(claim)
        leased = Scrape(admin)
        assert leased.series("farm_leases") == {"build": 1.0, "preparation": 0.0}
        assert (leased("farm_leases_overdue"), leased("farm_devices", state="busy")) == (0.0, 1.0)
        assert leased("farm_builds", state="leased") == 1
        worker.tell(claim, "stage", {"token": claim.lease.token, "state": "building"})
        assert Scrape(admin)("farm_builds", state="building") == 1
        worker.tell(claim, "publish", result)
        # The stock is counted every five minutes.
        doors.clock.pass_s(301.0)
        done = Scrape(admin)
        submitted(user)
        again = Scrape(admin)
    assert set(done.series("farm_builds").values()) == set(done.series("farm_leases").values()) == {0.0}
    assert done("farm_builds_ended_total", state="done", target=label_of(claim)) == 1
    assert done.series("farm_engines") == {"fetchable": 1.0, "quarantined": 0.0}
    # The model, the inputs and the engine, that came over HTTP.
    assert preparing.preparation is not None
    stored = (MODEL, b"inputs of " + preparing.preparation.preparation.encode(), b"x" * result.files[0].size_bytes)
    assert (done("farm_blobs"), done("farm_blob_bytes")) == (3.0, float(sum(map(len, stored))))
    assert again("farm_requests_placed_total", state="cached") == 1


def test_each_stage_counts_how_long_it_took_once_its_build_succeeded(doors: Doors, admin: httpx.Client) -> None:
    def took(name: str, **labels: str) -> list[float]:
        return [found(f"{name}_count", **labels), found(f"{name}_sum", **labels)]

    with doors.client(Scope.SUBMIT) as user, doors.client(Scope.WORKER) as device:
        worker = Worker(device, doors)
        submitted(user)
        preparing = worker.claim("prepares")
        worker.tell(preparing, "stage", {"token": preparing.lease.token, "state": "referencing"})
        doors.clock.pass_s(2.0)
        worker.tell(preparing, "prepared", worker.prepared(preparing))
        doors.clock.pass_s(40.0)
        claim = worker.claim("builds")
        for state, seconds in (("building", 7.0), ("verifying", 0.75), ("publishing", 0.25)):
            worker.tell(claim, "stage", {"token": claim.lease.token, "state": state})
            doors.clock.pass_s(seconds)
        found = Scrape(admin)
        assert took("farm_build_stage_duration_seconds", stage="building") == [0, 0]
        worker.tell(claim, "publish", worker.built(claim))
    found = Scrape(admin)
    # Moments are told to the millisecond.
    assert took("farm_preparation_stage_duration_seconds", stage="referencing") == pytest.approx([1, 2.0], abs=0.002)
    assert took("farm_build_queue_duration_seconds") == pytest.approx([1, 40.0], abs=0.002)
    for stage, seconds in (("building", 7.0), ("verifying", 0.75), ("publishing", 0.25)):
        told = took("farm_build_stage_duration_seconds", stage=stage)
        assert told == pytest.approx([1, seconds], abs=0.002), stage
    assert took("farm_build_stage_duration_seconds", stage="benchmarking") == [0, 0]
    assert found("farm_build_stage_duration_seconds_bucket", stage="building", le="5.0") == 0
    assert found("farm_build_stage_duration_seconds_bucket", stage="building", le="15.0") == 1


def test_a_device_is_as_old_as_its_last_heartbeat_and_a_recorded_one_has_none(
    doors: Doors, admin: httpx.Client
) -> None:
    doors.farm.enrol("box")
    fleet.record(doors.context, "xavier", gpu_facts())
    doors.clock.pass_s(46.0)
    found = Scrape(admin)
    assert found.series("farm_device_heartbeat_age_seconds") == {"box": pytest.approx(46.0)}
    assert (found("farm_devices", state="late"), found("farm_devices", state="recorded")) == (1.0, 1.0)


def test_the_disk_under_the_blobs_is_told_with_what_uploads_may_take(doors: Doors, admin: httpx.Client) -> None:
    found = Scrape(admin)
    size, free = found("farm_blob_disk_size_bytes"), found("farm_blob_disk_free_bytes")
    disk = doors.context.blobs.disk()
    assert size == disk.size_bytes
    assert 0 < free < size
    assert free == pytest.approx(disk.free_bytes, rel=0.2)


def test_wrong_numbers_and_lost_workers_are_what_an_alert_can_see(doors: Doors, admin: httpx.Client) -> None:
    farm, worker = doors.farm, doors.farm.enrol()
    farm.submit()
    built = worker.claim_build()
    worker.publish(built, Verdict.FAILED)
    farm.submit(b"another", name="another")
    preparing = worker.claim()
    assert preparing
    doors.clock.pass_s(doors.context.policy.lease_ttl_s + 1)
    overdue = Scrape(admin)
    assert (overdue("farm_leases_overdue"), overdue("farm_leases", work="preparation")) == (1.0, 1.0)
    assert overdue("farm_leases_expired_total") == 0.0
    farm.reconcile()
    back = Scrape(admin)
    assert (back("farm_leases_overdue"), back("farm_leases_expired_total")) == (0.0, 1.0)
    assert back("farm_preparations", state="queued") == 1
    assert back("farm_engines", state="quarantined") == 1
    assert back("farm_builds_ended_total", state="quarantined", target=label_of(built)) == 1


def test_what_was_rolled_back_is_not_counted(doors: Doors, admin: httpx.Client) -> None:
    def end(error: Exception | None) -> None:
        with doors.context.transaction() as transaction:
            transaction.count(lambda tally: tally.end("cpu", "failed"))
            transaction.emit("preparation", data={"state": "failed"})
            if error:
                raise error

    with pytest.raises(FarmError):
        end(FarmError("the last step fails"))
    assert "farm_builds_ended_total{" not in Scrape(admin).text
    assert Scrape(admin)("farm_preparations_ended_total", state="failed") == 0
    end(None)
    assert Scrape(admin)("farm_builds_ended_total", state="failed", target="cpu") == 1
    assert Scrape(admin)("farm_preparations_ended_total", state="failed") == 1


def test_requests_are_counted_by_template_and_never_by_path(doors: Doors, admin: httpx.Client) -> None:
    for number in range(3):
        assert admin.get(f"{API}/builds/bld-{number}").status_code == 404
        assert admin.get(f"/nobody/knows/{number}").status_code == 404
    assert admin.get(f"{API}/devices").status_code == 200
    assert admin.delete(f"{API}/devices").status_code == 405
    assert admin.request("PROPFIND", "/coffee").status_code >= 400
    assert admin.get(f"{API}/blobs/{'0' * 64}").status_code == 404
    with doors.client(None) as nobody:
        assert nobody.get(f"{API}/builds/bld-7").status_code == 401
    found = Scrape(admin)
    assert found(REQUESTS, method="GET", route=f"{API}/builds/{{id}}", status="4xx") == 3
    # Three paths that nobody serves, and one that was refused before anybody looked where it leads.
    assert found(REQUESTS, method="GET", route="none", status="4xx") == 4
    assert found(REQUESTS, method="GET", route=f"{API}/devices", status="2xx") == 1
    assert found(REQUESTS, method="DELETE", route=f"{API}/devices", status="4xx") == 1
    assert found(REQUESTS, method="other", route="none", status="4xx") == 1
    assert found(REQUESTS, method="GET", route=f"{API}/blobs/{{sha256}}", status="4xx") == 1
    for raw in ("bld-0", "/nobody", "PROPFIND", "0" * 64):
        assert raw not in found.text
    assert Scrape(admin)(REQUESTS, method="GET", route="/metrics", status="2xx") == 1


def test_a_call_takes_as_long_as_it_is_held_open(doors: Doors, admin: httpx.Client) -> None:
    with doors.client(Scope.WORKER) as device:
        assert Worker(device, doors).ask("waits", wait_s=0.6).status_code == 204
    found = Scrape(admin)
    labels = {"method": "POST", "route": f"{API}/claims", "status": "2xx"}
    assert found("farm_http_request_duration_seconds_sum", **labels) >= 0.6
    assert found("farm_http_request_duration_seconds_bucket", le="0.5", **labels) == 0
    assert found("farm_http_request_duration_seconds_bucket", le="+Inf", **labels) == 1


def test_open_streams_are_counted_until_their_clients_leave(doors: Doors, admin: httpx.Client) -> None:
    assert Scrape(admin).series("farm_streams_open") == {"events": 0.0, "log": 0.0, "page": 0.0}
    with doors.client(Scope.SUBMIT) as one, doors.client(Scope.SUBMIT) as other:
        with one.stream("GET", f"{API}/events") as first, other.stream("GET", f"{API}/events") as second:
            # Kept: an iterator that is collected closes its stream.
            opened = first.iter_raw(), second.iter_raw()
            assert all(next(pieces) for pieces in opened)
            until(lambda: Scrape(admin)("farm_streams_open", kind="events") == 2)
        until(lambda: Scrape(admin)("farm_streams_open", kind="events") == 0)


@pytest.mark.services
def test_wakeups_are_counted_as_the_broker_takes_them(tmp_path: Path, broker_url: str) -> None:
    wakeups = CeleryWakeups(broker_url)
    with coordinator(f"sqlite:///{tmp_path}/farm.db", tmp_path / "data") as farm:
        app = make_app(replace(farm.context, wakeups=wakeups))
        doors = Doors(farm, app, Served(app))
        try:
            until(wakeups.healthy)
            for number in range(5):
                wakeups.wake("xavier", f"build-{number}")
            until(lambda: wakeups.counts().sent == 5)
            with doors.client() as admin:
                found = Scrape(admin)
        finally:
            doors.server.stop()
            wakeups.close()
    assert (found("farm_wakeups_sent_total"), found("farm_wakeups_waiting")) == (5.0, 0.0)
    assert (found("farm_wakeups_lost_total"), found("farm_broker_up")) == (0.0, 1.0)
