from __future__ import annotations

import re

import pytest

from farm.protocol.states import DeviceState, Scope, State
from orchestrator.services import fleet
from tests.orchestrator.api.doors import Doors, facts
from tests.support.coordinator import gpu_facts

from .conftest import Visitor
from .forms import sent

RECORDED = 52


@pytest.fixture(scope="module", autouse=True)
def _devices(doors: Doors) -> None:
    """More devices than a page lists, and one that works."""
    for number in range(RECORDED):
        fleet.record(doors.context, f"shelf-{number:02}", facts("xavier" if number % 2 else "rtx4090"))
    doors.farm.enrol("worker-1", gpu_facts())


def rows(text: str) -> list[str]:
    return re.findall(r'<tr role="row" id="device-([^"]+)"', text)


def test_a_long_list_has_pages_and_says_how_much_there_is(visitor: Visitor) -> None:
    browser = visitor(Scope.FETCH)
    first = browser.get("/fleet").text
    assert len(rows(first)) == 50
    assert "1–50 of 53" in first
    assert 'rel="next" href="/fleet?page=2"' in first
    second = browser.get("/fleet?page=2").text
    assert rows(second) == ["shelf-50", "shelf-51", "worker-1"]
    assert 'rel="prev" href="/fleet?"' in second
    assert rows(browser.get("/fleet?page=9").text) == []


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("text=shelf-1", 10),
        ("text=XAVIER", 26),
        ("text=worker", 1),
        ("state=recorded&text=rtx+4090", 26),
        ("state=idle", 1),
        ("backend=tensorrt+8.5.2.2", 26),
        ("state=gone", 0),
        ("text=&state=&backend=tensorrt+8.5.3.1", 1),
    ],
)
def test_filters_stand_in_the_address(visitor: Visitor, query: str, count: int) -> None:
    assert len(rows(visitor(Scope.FETCH).get(f"/fleet?{query}").text)) == count


def test_a_device_shows_what_it_works_on_and_what_waits_for_it(doors: Doors, visitor: Visitor) -> None:
    box = doors.farm.enrol("worker-2")
    doors.farm.submit()
    doors.farm.submit(content=b"another model")
    preparing = box.claim()
    assert preparing
    box.stage(preparing, State.PREPARING)
    browser = visitor(Scope.FETCH)
    row = browser.get("/fleet?text=worker-2").text
    assert "(preparation) · preparing" in row
    assert '<td role="cell" class="number" data-name="Waits for it">1</td>' in row
    box.serve()


def test_drain_and_undrain_from_the_page(doors: Doors, visitor: Visitor) -> None:
    admin = visitor(Scope.ADMIN)
    said = sent(admin, "/fleet/worker-1/drain", **{"HX-Request": "true"})
    assert (said.status_code, "worker-1 drains" in said.text) == (200, True)
    assert fleet.show(doors.context, "worker-1").state is DeviceState.DRAINING
    assert "Undrain" in admin.get("/fleet?text=worker-1").text
    assert sent(admin, "/fleet/worker-1/undrain").headers["location"] == "/fleet"
    assert fleet.show(doors.context, "worker-1").state is DeviceState.IDLE
    refused = sent(admin, "/fleet/shelf-00/drain", **{"HX-Request": "true"})
    assert refused.status_code == 409
    assert "is a recorded device" in refused.text


def test_a_device_has_a_page_of_all_that_is_known(doors: Doors, visitor: Visitor) -> None:
    reader = visitor(Scope.FETCH)
    page = reader.get("/devices/shelf-01").text
    for told in ("sm_72, 8 SMs, 31.2 GiB", "JetPack", "5.1.1", "MAXN", "Xavier · tensorrt 8.5.2.2", "xavier"):
        assert told in page
    assert "It has built nothing yet." in page
    box = doors.farm.enrol("worker-3")
    doors.farm.submit(content=b"for its page")
    box.serve()
    page = reader.get("/devices/worker-3").text
    assert "All builds on worker-3" in page
    assert reader.get("/devices/nobody").status_code == 404


def test_a_device_that_falls_silent_is_late_then_gone(doors: Doors, visitor: Visitor) -> None:
    doors.farm.enrol("silent")
    reader = visitor(Scope.FETCH)
    doors.clock.pass_s(60.0)
    late = reader.get("/fleet?text=silent").text
    assert re.search(r'state-warn">.*</svg>late</span>', late)
    assert re.search(r'data-name="Heartbeat">1 min\b', late)
    doors.clock.pass_s(200.0)
    gone = reader.get("/fleet?text=silent&state=gone").text
    assert re.search(r'state-bad">.*</svg>gone</span>', gone)


def test_an_empty_farm_says_what_to_do(doors: Doors, visitor: Visitor) -> None:
    for device in fleet.every(doors.context):
        fleet.retire(doors.context, device.name)
    page = visitor(Scope.FETCH).get("/fleet").text
    assert "No device has enrolled yet." in page
    assert "farm worker start" in page
