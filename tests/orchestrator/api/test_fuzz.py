"""Nothing that a client can send is a mistake of the coordinator: no request whatever is answered with 500."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from farm.protocol.states import Scope

from .doors import API, Doors
from .worker import Worker, submitted

# Each in the place of any value of any field.
NASTY: list[Any] = [
    None,
    True,
    -1,
    0,
    2**31,
    2**63,
    10**40,
    1e308,
    -0.0,
    "",
    "x" * 5000,
    "\x00",
    "\ud800",
    "../../etc/passwd",
    "' OR 1=1 --",
    "%00",
    [],
    {},
    [[]],
    {"": None},
    ["\x00"],
]
RAW = [
    b"",
    b"{",
    b"null",
    b"[]",
    b'"x"',
    b"\xff\xfe",
    b"\x00",
    b'{"a":NaN}',
    b'{"a":1e999}',
    b"[" * 100_000,
    b'{"name":' * 50_000,
    b'{"a":1,"a":2}',
    b"9" * 10_000,
    b'{"x":' + b"1" * 5000 + b"}",
]
SEGMENTS = ["x", "..%2f..", "%00", "%ff", "a%0ab", "-", "sub-x", "bld-1", "'", "é", "%F0%9F%9A%9C", "x" * 3000]
QUERIES = ["?x=1", "?limit=-1", "?limit=x", "?limit=99999999999999999999", "?state=%00", "?limit=1&limit=2", "?%00=1"]


def resolved(schema: Any, document: Any) -> Any:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return schema


def example(schema: Any, document: Any, depth: int = 0) -> Any:
    """A value that the schema allows."""
    schema = resolved(schema, document)
    if "anyOf" in schema:
        return example(schema["anyOf"][0], document, depth)
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if kind == "object" and "properties" in schema:
        wanted = (
            schema["properties"]
            if depth < 5
            else {name: schema["properties"][name] for name in schema.get("required", ())}
        )
        return {name: example(inner, document, depth + 1) for name, inner in wanted.items()}
    if kind == "array":
        return [example(schema["items"], document, depth + 1)]
    return {"string": "cpu", "integer": 1, "number": 1.0, "boolean": False, "object": {}, None: 1}[kind]


def spoiled(value: Any, chance: random.Random) -> Any:
    """The value with one thing in it replaced, removed or added."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        name = chance.choice(sorted(value))
        if chance.random() < 0.1:
            return {key: item for key, item in value.items() if key != name}
        if chance.random() < 0.1:
            return {**value, chance.choice(["extra", "\x00", ""]): 1}
        return {**value, name: spoiled(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.7:
        return [spoiled(value[0], chance), *value[1:]] * chance.choice([1, 1, 2])
    return chance.choice(NASTY)


def operations(document: Any) -> Iterator[tuple[str, str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "parameters" and "events" not in path:
                yield method, path, operation


def held_to(answer: httpx.Response, asked: str) -> None:
    assert answer.status_code != 500, f"{asked}: {answer.text}"
    if answer.content and answer.status_code >= 400 and "json" in answer.headers.get("content-type", ""):
        error = answer.json()["error"]
        assert set(error) == {"code", "message", "hint", "details"}, asked
        assert error["message"], asked


@pytest.fixture
def document(doors: Doors) -> Any:
    with doors.client() as admin:
        return admin.get(f"{API}/openapi.json").json()


def test_bodies_that_are_no_json_are_refused(doors: Doors, document: Any) -> None:
    with doors.client() as admin:
        for method, path, operation in operations(document):
            if "requestBody" in operation and "blobs" not in path and "/log" not in path:
                for raw in RAW:
                    answer = admin.request(method, path.replace("{", "").replace("}", ""), content=raw)
                    held_to(answer, f"{method} {path} {raw[:20]!r}")
                    if raw:
                        assert answer.status_code in (404, 409, 422), (
                            f"{method} {path} {raw[:20]!r}: {answer.status_code}"
                        )


def test_no_value_of_any_field_breaks_a_route(doors: Doors, document: Any) -> None:
    chance = random.Random(20260101)
    with doors.client() as admin, doors.client(Scope.WORKER) as device, doors.client(Scope.SUBMIT) as user:
        worker = Worker(device, doors)
        submission = submitted(user)
        claim = worker.claim("held")
        for method, path, operation in operations(document):
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content is None:
                continue
            whole = example(content["schema"], document)
            client = device if "worker" in operation["x-scopes"] else admin
            where = path.replace("{attempt}", claim.lease.attempt).replace("{id}", submission["id"])
            where = where.replace("{name}", "box").replace("/drain", "/x")
            for _ in range(60):
                body = spoiled(whole, chance)
                if isinstance(body, dict) and "wait_s" in body:
                    body["wait_s"] = 0.0
                if isinstance(body, dict) and "token" in body and chance.random() < 0.5:
                    body["token"] = claim.lease.token
                text = json.dumps(body)
                held_to(client.request(method, where, content=text), f"{method} {where} {text[:2000]}")


def test_no_path_and_no_query_breaks_a_route(doors: Doors, document: Any) -> None:
    with doors.client() as admin, doors.client(Scope.WORKER) as device:
        for method, path, operation in operations(document):
            client = device if "worker" in operation["x-scopes"] and "blobs" not in path else admin
            for segment in SEGMENTS if "{" in path else ["x"]:
                where = "/".join(segment if part.startswith("{") else part for part in path.split("/"))
                held_to(client.request(method, where, content=b"{}"), f"{method} {where}")
            for query in QUERIES:
                where = "/".join("x" if part.startswith("{") else part for part in path.split("/")) + query
                held_to(client.request(method, where, content=b"{}"), f"{method} {where}")


def test_a_body_without_end_is_refused_before_it_is_read(small_doors: Doors) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b"x" * (1 << 20)

    with small_doors.client() as admin:
        answer = admin.post(f"{API}/submissions", content=endless())
        assert (answer.status_code, answer.json()["error"]["code"]) == (413, "invalid")


def test_a_mistake_is_answered_with_a_number_and_logged_with_its_traceback(
    small_doors: Doors, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr("orchestrator.services.models.every", broken)
    with small_doors.client() as admin:
        answer = admin.get(f"{API}/models")
        assert answer.status_code == 500
        incident = answer.json()["error"]["details"]["incident"]
        assert "secret cause" not in answer.text
        assert admin.get(f"{API}/whoami").status_code == 200
    assert incident in caplog.text
    assert "RuntimeError: the secret cause" in caplog.text
