from __future__ import annotations

import httpx
import pytest

from farm.protocol.states import Scope
from orchestrator.pages.troubles import way_back
from tests.orchestrator.api.doors import API, Doors

from .conftest import Visitor


@pytest.mark.parametrize(
    ("told", "to"),
    [
        ("/builds?state=failed", "/builds?state=failed"),
        ("/", "/"),
        ("", "/"),
        ("fleet", "/"),
        ("//elsewhere/x", "/"),
        ("/\\elsewhere", "/"),
        ("https://elsewhere/", "/"),
        ("/fleet\r\nSet-Cookie: a=b", "/"),
        ("/sign-out", "/"),
        ("/sign-in?next=/sign-in", "/"),
    ],
)
def test_after_signing_in_nobody_is_sent_to_another_site(told: str, to: str) -> None:
    assert way_back(told) == to


def test_a_visitor_comes_back_to_where_they_were(doors: Doors) -> None:
    with httpx.Client(base_url=doors.url, headers={"Accept": "text/html"}) as browser:
        asked = browser.get("/fleet?state=idle")
        assert asked.headers["location"] == "/sign-in?next=%2Ffleet%3Fstate%3Didle"
        form = browser.get(asked.headers["location"])
        assert 'value="/fleet?state=idle"' in form.text
        back = browser.post("/sign-in", data={"token": doors.secret(), "next": "/fleet?state=idle"})
        assert (back.status_code, back.headers["location"]) == (303, "/fleet?state=idle")


def test_htmx_is_sent_to_the_form_and_not_given_it_as_a_part(doors: Doors) -> None:
    asked = {"Accept": "text/html", "HX-Request": "true", "HX-Current-URL": f"{doors.url}/builds?model=yolox"}
    answer = httpx.get(f"{doors.url}/builds/live", headers=asked)
    assert (answer.status_code, answer.text) == (401, "")
    assert answer.headers["hx-redirect"] == "/sign-in?next=%2Fbuilds%3Fmodel%3Dyolox"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/nowhere", 404, "There is nothing at /nowhere."),
        ("/builds/none", 404, "There is no build"),
        ("/fleet?page=0", 422, "There is no page 0."),
        ("/fleet?state=tired", 422, "is not one of idle, busy"),
        ("/fleet?colour=red", 422, "unknown parameter"),
        ("/builds?before=soon", 422, "is not a moment"),
    ],
)
def test_what_went_wrong_is_a_page_with_a_sentence(visitor: Visitor, path: str, status: int, said: str) -> None:
    browser = visitor(Scope.FETCH)
    answer = browser.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert said in answer.text.replace("&#39;", "'")
    part = browser.get(path, headers={"HX-Request": "true"})
    assert part.status_code == status
    assert "<html" not in part.text


def test_programs_are_told_in_json_as_before(doors: Doors, visitor: Visitor) -> None:
    page_reader = visitor(Scope.FETCH)
    assert page_reader.get(f"{API}/devices/none").json()["error"]["code"] == "not_found"
    assert httpx.get(f"{doors.url}/nowhere", headers=doors.headers()).json()["error"]["code"] == "not_found"


def test_a_name_is_shown_as_text(visitor: Visitor) -> None:
    answer = visitor(Scope.FETCH).get("/fleet", params={"text": '"><script>alert(1)</script>'})
    assert "<script>alert" not in answer.text
    assert 'value="&#34;&gt;&lt;script&gt;alert(1)&lt;/script&gt;"' in answer.text
