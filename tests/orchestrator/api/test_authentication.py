from __future__ import annotations

import logging

import pytest
from starlette.routing import Route

from farm.protocol.codec import to_json
from farm.protocol.states import Scope
from orchestrator.api.authentication import PUBLIC, STATIC, Failures
from orchestrator.api.openapi import PREFIX
from orchestrator.api.routes import GROUPS
from tests.support.coordinator import cpu_facts

from .doors import API, Doors, enrol

ANY_DIGEST = "0" * 64


def concrete(path: str) -> str:
    """A path with something in the place of every parameter."""
    return "/".join(ANY_DIGEST if part.startswith("{") else part for part in path.split("/"))


def test_nothing_but_three_paths_and_static_files_is_public(small_doors: Doors) -> None:
    """Walks the routes that are served, not those that were declared."""
    with small_doors.client(None) as client:
        asked = 0
        for route in small_doors.app.routes:
            assert isinstance(route, Route)
            for method in route.methods or ():
                answer = client.request(method, concrete(route.path), headers={"Accept": "application/json"})
                asked += 1
                if route.path.startswith(STATIC):
                    assert answer.status_code == 404, "only files that came with farm"
                elif route.path in PUBLIC:
                    assert answer.status_code in (200, 401), route.path
                else:
                    assert answer.status_code in (401, 429), f"{method} {route.path} answers {answer.status_code}"
    assert asked > 40
    assert set(PUBLIC) == {"/healthz", "/readyz", "/sign-in"}


@pytest.mark.parametrize("scope", list(Scope))
def test_a_scope_reaches_only_what_is_declared_for_it(small_doors: Doors, scope: Scope) -> None:
    with small_doors.client(scope) as client:
        for group in GROUPS:
            for endpoint in group.declared:
                if scope in endpoint.scopes or scope is Scope.ADMIN:
                    continue
                answer = client.request(endpoint.method, PREFIX + concrete(endpoint.path), content=b"{}")
                assert answer.status_code == 403, f"{endpoint.method} {endpoint.path}: {answer.text}"
                assert answer.json()["error"]["code"] == "forbidden"


@pytest.mark.parametrize(
    ("method", "path", "said"),
    [
        ("POST", "/submissions", "submit a model for its targets. Use a token with the scope admin or submit."),
        ("PUT", f"/blobs/{'0' * 64}", "store files. Use a token with the scope admin or submit."),
        ("GET", "/tokens", "see every token without its secret. Use a token with the scope admin."),
        ("DELETE", "/engines/eng-1", "remove an engine. Use a token with the scope admin."),
        ("POST", "/claims", "ask for work. Use a token with the scope admin or worker."),
    ],
)
def test_a_refusal_says_in_words_what_the_token_may_not_do(
    small_doors: Doors, method: str, path: str, said: str
) -> None:
    with small_doors.client(Scope.FETCH, name="reader") as client:
        error = client.request(method, API + path, content=b"{}").json()["error"]
    assert f"{error['message']}. {error['hint']}" == f"the token 'reader' has the scope fetch and may not {said}"


def test_every_route_can_be_named_by_its_deed() -> None:
    deeds = {endpoint.handler.__name__: endpoint.deed for group in GROUPS for endpoint in group.declared}
    assert len(deeds) > 40
    for deed in deeds.values():
        assert deed[:1].islower()
        assert "/" not in deed
        assert deed.split()[0] not in ("a", "an", "the", "what", "every", "one")


def test_wrong_revoked_and_expired_tokens_are_refused_and_told_apart_in_the_log(
    doors: Doors, caplog: pytest.LogCaptureFixture
) -> None:
    expiring = doors.secret(Scope.SUBMIT, name="shortlived", expires_s=60)
    revoked = doors.secret(Scope.SUBMIT, name="withdrawn")
    with doors.client() as admin, caplog.at_level(logging.WARNING, "farm.api.auth"):
        known = {item["name"]: item["id"] for item in admin.get(f"{API}/tokens").json()["tokens"]}
        for secret in (expiring, revoked):
            assert admin.get(f"{API}/whoami", headers=bearer(secret)).status_code == 200
        assert admin.delete(f"{API}/tokens/{known['withdrawn']}").status_code == 204
        doors.clock.pass_s(61)
        wrong = expiring[:-1] + ("A" if expiring[-1] != "A" else "B")
        for secret, reason in ((wrong, "unknown"), (expiring, "expired"), (revoked, "revoked")):
            answer = admin.get(f"{API}/whoami", headers=bearer(secret))
            assert answer.status_code == 401
            assert answer.json()["error"]["code"] == "unauthorized"
            assert reason in caplog.text
    assert not [secret for secret in (wrong, expiring, revoked) if secret in caplog.text]
    assert not [secret for secret in (wrong, expiring, revoked) if secret[5:20] in caplog.text]


def test_a_secret_is_stored_as_a_digest_only(doors: Doors) -> None:
    secret = doors.secret()
    with doors.context.database.read() as connection:
        rows = connection.exec_driver_sql("SELECT * FROM token").all()
    assert len(rows) == 1
    assert secret not in repr(rows)


def test_the_last_administrator_cannot_lock_everybody_out(doors: Doors) -> None:
    with doors.client() as admin:
        (only,) = admin.get(f"{API}/tokens").json()["tokens"]
        answer = admin.delete(f"{API}/tokens/{only['id']}")
        assert answer.status_code == 409
        assert admin.get(f"{API}/whoami").status_code == 200


def test_other_spellings_of_credentials_are_refused(small_doors: Doors) -> None:
    secret = small_doors.secret()
    with small_doors.client(None) as client:
        for header in (secret, f"Basic {secret}", "Bearer", f"Bearer {secret} x", "Bearer é"):
            assert client.get(f"{API}/whoami", headers={b"Authorization": header.encode()}).status_code == 401
        assert client.get(f"{API}/whoami?token={secret}").status_code == 401
        assert client.get(f"{API}/whoami", headers={"Authorization": f"bearer {secret}"}).status_code == 200


def test_a_browser_signs_in_with_a_cookie_that_scripts_cannot_read(small_doors: Doors) -> None:
    secret = small_doors.secret()
    with small_doors.client(None) as browser:
        page = browser.get("/", headers={"Accept": "text/html"}, follow_redirects=False)
        assert (page.status_code, page.headers["location"]) == (303, "/sign-in")
        assert "default-src 'none'" in browser.get("/sign-in").headers["content-security-policy"]
        assert browser.post("/sign-in", data={"token": "farm_wrong"}).status_code == 401
        answer = browser.post("/sign-in", data={"token": secret}, follow_redirects=False)
        assert answer.status_code == 303
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=strict" in cookie
        assert browser.get("/").headers["location"] == "/fleet"
        assert browser.get(f"{API}/whoami").json()["scope"] == "admin"
        body = {"name": "x", "scope": "fetch"}
        foreign = browser.post(f"{API}/tokens", json=body, headers={"Origin": "http://elsewhere"})
        assert foreign.status_code == 403
        assert browser.post(f"{API}/tokens", json=body, headers={"Origin": small_doors.url}).status_code == 201


def test_the_sign_in_page_shows_what_it_was_given_as_text(small_doors: Doors) -> None:
    with small_doors.client(None) as browser:
        page = browser.post("/sign-in", data={"token": "<script>alert(1)</script>"})
    assert page.status_code == 401
    assert "alert(1)" not in page.text


def test_many_failures_are_answered_shortly_and_a_right_token_still_works(small_doors: Doors) -> None:
    secret = small_doors.secret()
    with small_doors.client(None) as client:
        answers = [client.get(f"{API}/whoami", headers=bearer("farm_x")).status_code for _ in range(70)]
        assert answers[:60] == [401] * 60
        assert answers[60:] == [429] * 10
        assert client.get(f"{API}/whoami", headers=bearer(secret)).status_code == 200


def test_failures_are_forgotten_after_a_minute_and_remember_few_addresses() -> None:
    now = [0.0]
    failures = Failures(lambda: now[0], limit=2, addresses=3)
    assert [failures.note("a") for _ in range(3)] == [True, True, False]
    now[0] = 60.0
    assert failures.note("a")
    for address in "bcd":
        failures.note(address)
    assert len(failures._seen) == 3


def test_a_worker_token_is_tied_to_its_first_device(doors: Doors) -> None:
    with doors.client(Scope.WORKER, name="first") as worker:
        assert enrol(worker, "one").status_code == 200
        assert enrol(worker, "one").status_code == 200
        refused = enrol(worker, "two")
        assert refused.status_code == 403
        assert "'one'" in refused.json()["error"]["message"]
        assert worker.get(f"{API}/whoami").json()["device"] == "one"
    with doors.client(Scope.WORKER, name="second") as other:
        assert enrol(other, "one").status_code == 409


def bearer(secret: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {secret}"}


def test_what_is_refused_is_written_down_with_who_tried(small_doors: Doors, caplog: pytest.LogCaptureFixture) -> None:
    with small_doors.client(Scope.WORKER, name="curious") as device:
        assert device.post(f"{API}/submissions", json={}).status_code == 403
        assert device.get(f"{API}/blobs/{'0' * 64}").status_code == 403
        assert (
            device.post(f"{API}/leases/att-of-another/stage", json={"token": 1, "state": "building"}).status_code == 409
        )
        told = [record.getMessage() for record in caplog.records if record.name == "farm.api"]
        secret = device.headers["Authorization"].split()[1]
    assert len(told) == 3
    assert all("to curious" in line and secret not in line for line in told)
    assert "/submissions" in told[0]
    assert "att-of-another" in told[2]


def test_names_that_are_paths_are_refused_and_written_down(
    small_doors: Doors, caplog: pytest.LogCaptureFixture
) -> None:
    with small_doors.client(name="curious") as user:
        asked = [
            user.post(f"{API}/tokens", json={"name": "../evil", "scope": "fetch"}),
            user.post(f"{API}/fetch", json={"name": "../../etc/passwd", "facts": to_json(cpu_facts())}),
            user.put(f"{API}/targets/..%2Fword", json={"filter": "sm>=80", "aliases": [], "description": ""}),
            user.get(f"{API}/blobs/..%2F..%2Fetc%2Fpasswd"),
            user.get(f"{API}/models/..%5C..%5Cboot.ini"),
        ]
        plain = [user.get(f"{API}/models/absent"), user.get(f"{API}/nowhere")]
    assert [answer.status_code for answer in asked] == [422, 404, 404, 404, 404]
    assert [answer.status_code for answer in plain] == [404, 404]
    told = [record.getMessage() for record in caplog.records if record.name == "farm.api"]
    assert len(told) == len(asked), told
    assert all("to curious" in line for line in told)
    assert all(".." in line for line in told)
