from __future__ import annotations

import re

import pytest

from farm.protocol.states import Scope, State
from orchestrator.services import build_views, logs
from tests.orchestrator.api.doors import Doors
from tests.support.coordinator import Talker
from tests.support.waiting import until

from .conftest import Visitor
from .forms import sent
from .test_live import followed


@pytest.fixture(scope="module")
def box(doors: Doors) -> Talker:
    return doors.farm.enrol("box")


def built(doors: Doors, content: bytes) -> str:
    """The build of a new submission."""
    build = doors.farm.submit(content=content).builds[0].build
    assert build
    return build


def test_a_failed_build_says_what_to_do_before_what_happened(doors: Doors, box: Talker, visitor: Visitor) -> None:
    build = built(doors, b"refused")
    box.fail(box.claim_build())
    page = visitor(Scope.FETCH).get(f"/builds/{build}").text
    assert page.index("The parser refused it.") < page.index("<h2>Stages</h2>")
    assert "Build again" not in page, "a reader may not submit"
    submitter = visitor(Scope.SUBMIT)
    assert "Build again" in submitter.get(f"/builds/{build}").text
    moved = sent(submitter, f"/builds/{build}/repeat", f"/builds/{build}", **{"HX-Request": "true"})
    again = moved.headers["hx-redirect"].removeprefix("/builds/")
    assert again != build
    assert build_views.show(doors.context, again).state is State.QUEUED
    cancelled = sent(submitter, f"/builds/{again}/cancel", f"/builds/{again}")
    assert cancelled.headers["location"] == f"/builds/{again}"
    assert build_views.show(doors.context, again).state is State.CANCELLED


def test_a_log_is_followed_from_where_the_page_ended(doors: Doors, box: Talker, visitor: Visitor) -> None:
    build = built(doors, b"talkative")
    claim = box.claim_build()
    attempt, token = claim.lease.attempt, claim.lease.token
    said = b"<first> \xe2\x82"
    logs.append(doors.context, box.caller, attempt, token, 0, said)
    browser = visitor(Scope.FETCH)
    page = browser.get(f"/builds/{build}").text
    assert "&lt;first&gt; </pre>" in page, "half a character waits for its rest"
    (stream,) = re.findall(r'hx-sse:connect="(/builds/[^"]+/log[^"]+)"', page)
    with followed(browser, stream.replace("&amp;", "&")) as heard:
        logs.append(doors.context, box.caller, attempt, token, len(said), b"\xac\r\nsecond\n")
        until(lambda: "second" in heard.text, 60)
        assert "data: €\ndata: second\ndata: \n" in heard.text
        assert f"id: {len(said) + 10}\n" in heard.text
        box.publish(claim)
        until(lambda: "event: ended" in heard.text, 60)
        until(lambda: heard.ended, 60)
    resumed = browser.get(stream.replace("&amp;", "&"), headers={"Last-Event-ID": str(len(said) + 1)})
    assert "data: second" in resumed.text
    assert "first" not in resumed.text


def test_the_page_of_a_long_log_shows_its_end(doors: Doors, box: Talker, visitor: Visitor) -> None:
    build = built(doors, b"endless")
    claim = box.claim_build()
    line = b"x" * 1023 + b"\n"
    logs.append(
        doors.context, box.caller, claim.lease.attempt, claim.lease.token, 0, b"begin\n" + line * 400 + b"end\n"
    )
    box.publish(claim)
    page = visitor(Scope.FETCH).get(f"/builds/{build}").text
    assert "the last 256 KiB" in page
    assert "end\n</pre>" in page
    assert "begin" not in page


def test_a_list_goes_on_with_what_is_older(
    doors: Doors, box: Talker, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.pages.builds._MOST", 3)
    for number in range(5):
        doors.clock.pass_s(1.0)
        built(doors, f"many {number}".encode())
    browser = visitor(Scope.FETCH)
    first = browser.get("/builds").text
    older = re.findall(r'rel="next" href="([^"]+)"', first)
    assert len(older) == 1
    seen = re.findall(r'<tr role="row" id="([^"]+)"', first)
    assert len(seen) == 3
    second = browser.get(older[0].replace("&amp;", "&")).text
    rest = re.findall(r'<tr role="row" id="([^"]+)"', second)
    assert not set(rest) & set(seen)
    assert len(rest) >= 2
    assert "hx-sse:connect" not in second, "what is older does not move"
    assert "No build matches." in browser.get("/builds?state=quarantined").text
    box.serve()
