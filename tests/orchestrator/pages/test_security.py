from __future__ import annotations

import pytest

from farm.protocol.states import DeviceState, Scope
from orchestrator.services import fleet
from tests.orchestrator.api.doors import Doors

from .conftest import Visitor
from .forms import secret_in, sent


def test_a_page_runs_nothing_but_files_of_the_coordinator(visitor: Visitor) -> None:
    policy = visitor(Scope.ADMIN).get("/fleet").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert not {"unsafe", "nonce", "http", "*", "data:"} & set(policy.replace("-", " ").replace("'", " ").split())


def test_a_form_counts_only_with_the_secret_of_its_own_session(doors: Doors, visitor: Visitor) -> None:
    doors.farm.enrol("guarded")
    mine, other = visitor(Scope.ADMIN), visitor(Scope.ADMIN)
    foreign = secret_in(other.get("/fleet"))
    for told in ({}, {"csrf": ""}, {"csrf": foreign}, {"csrf": "é"}):
        answer = mine.post("/fleet/guarded/drain", data=told)
        assert answer.status_code == 403
        assert "This form was not made for your session." in answer.text
    elsewhere = sent(mine, "/fleet/guarded/drain", Origin="http://elsewhere")
    assert elsewhere.status_code == 403
    assert fleet.show(doors.context, "guarded").state is DeviceState.IDLE
    assert sent(mine, "/fleet/guarded/drain", Origin=doors.url).status_code == 303
    assert fleet.show(doors.context, "guarded").state is DeviceState.DRAINING


def test_a_token_in_a_header_makes_no_form_of_a_session(doors: Doors, visitor: Visitor) -> None:
    doors.farm.enrol("program")
    found = secret_in(visitor(Scope.ADMIN).get("/fleet"))
    with doors.client(Scope.ADMIN) as program:
        assert program.post("/fleet/program/drain", data={"csrf": found}).status_code == 403


@pytest.mark.parametrize("scope", [Scope.FETCH, Scope.SUBMIT])
def test_who_may_not_drain_sees_no_button_and_is_refused(doors: Doors, visitor: Visitor, scope: Scope) -> None:
    doors.farm.enrol(f"theirs-{scope}")
    reader = visitor(scope)
    page = reader.get("/fleet")
    assert f"theirs-{scope}" in page.text
    assert "Drain" not in page.text
    refused = sent(reader, f"/fleet/theirs-{scope}/drain")
    assert refused.status_code == 403
    assert "may not let a device finish what runs and claim no more." in refused.text
    assert fleet.show(doors.context, f"theirs-{scope}").state is DeviceState.IDLE


def test_a_worker_sees_no_page(visitor: Visitor) -> None:
    answer = visitor(Scope.WORKER).get("/fleet")
    assert answer.status_code == 403
    assert "Use a token with the scope admin or fetch or submit." in answer.text


def test_signing_out_needs_the_form_and_takes_the_cookie(visitor: Visitor) -> None:
    browser = visitor(Scope.FETCH)
    assert browser.post("/sign-out").status_code == 403
    assert browser.get("/fleet").status_code == 200
    assert sent(browser, "/sign-out").status_code == 303
    assert browser.get("/fleet").headers["location"] == "/sign-in?next=%2Ffleet"
