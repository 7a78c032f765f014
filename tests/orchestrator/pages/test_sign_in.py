from __future__ import annotations

import httpx

from farm.protocol.states import Scope
from tests.orchestrator.api.doors import Doors


def test_another_site_cannot_sign_a_visitor_in(doors: Doors) -> None:
    sent = {"token": doors.secret(Scope.FETCH)}
    for headers in ({"Origin": "http://elsewhere"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = httpx.post(f"{doors.url}/sign-in", data=sent, headers=headers)
        assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert httpx.post(f"{doors.url}/sign-in", data=sent, headers={"Origin": doors.url}).status_code == 303


def test_behind_tls_the_cookie_stays_within_it(doors: Doors) -> None:
    sent = {"token": doors.secret(Scope.FETCH)}
    plain = httpx.post(f"{doors.url}/sign-in", data=sent)
    behind = httpx.post(f"{doors.url}/sign-in", data=sent, headers={"X-Forwarded-Proto": "https"})
    assert "secure" not in plain.headers["set-cookie"].lower()
    assert "secure" in behind.headers["set-cookie"].lower()


def test_many_wrong_tokens_are_answered_shortly_and_a_right_one_still_works(doors: Doors) -> None:
    with httpx.Client(base_url=doors.url) as somebody:
        answers = [somebody.post("/sign-in", data={"token": "farm_x"}).status_code for _ in range(64)]
        assert answers[:60] == [401] * 60
        assert answers[-1] == 429
        assert somebody.post("/sign-in", data={"token": doors.secret(Scope.FETCH)}).status_code == 303


def test_a_form_that_is_too_long_is_refused_as_a_page(doors: Doors) -> None:
    answer = httpx.post(f"{doors.url}/sign-in", content=b"token=" + b"x" * 9000)
    assert answer.status_code == 413
    assert "The body is larger than 8192 bytes." in answer.text
