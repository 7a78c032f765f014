"""A client and a coordinator of different versions: whoever does not understand the other names both."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from farm import __version__
from farm.client.transport import Transport
from farm.protocol.errors import CoordinatorError, FarmError, ProtocolError
from farm.protocol.views import TokenView

from .doors import API, Doors

NEWER = "99.1"


@dataclass(frozen=True)
class NewerAsk:
    """What a later version of farm might send to `POST /tokens`."""

    name: str
    scope: str
    colour: str = "red"


@dataclass(frozen=True)
class LaterView:
    """What a later version of farm might expect of `GET /whoami`."""

    id: str
    name: str
    colour: str


@dataclass
class Newer:
    """A client of a later version that talks with this coordinator."""

    transport: Transport
    hint: str = field(default=f"The client is farm {NEWER} and the coordinator is farm {__version__}: ")


@pytest.fixture
def newer(small_doors: Doors, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("farm.client.transport.__version__", NEWER)
    transport = Transport(small_doors.url, small_doors.secret())
    yield Newer(transport)
    transport.close()


def refused(newer: Newer, call: Any) -> FarmError:
    with pytest.raises(FarmError) as caught:
        call()
    assert caught.value.hint.startswith(newer.hint)
    assert caught.value.hint.endswith(f"install {__version__} at the client, or {NEWER} at the coordinator.")
    return caught.value


def test_a_field_that_this_coordinator_does_not_know_yet(newer: Newer) -> None:
    error = refused(newer, lambda: newer.transport.request("POST", "/tokens", NewerAsk("x", "fetch")))
    assert isinstance(error, ProtocolError)
    assert "colour: unknown field" in error.message
    assert error.details["coordinator_version"] == __version__


def test_a_parameter_that_this_coordinator_does_not_know_yet(newer: Newer) -> None:
    error = refused(newer, lambda: newer.transport.request("GET", "/engines", params={"colour": "red"}))
    assert error.message == "?colour: unknown parameter"


def test_a_route_that_this_coordinator_does_not_have_yet(newer: Newer) -> None:
    assert refused(newer, lambda: newer.transport.request("GET", "/colours")).code == "not_found"
    assert refused(newer, lambda: newer.transport.request("PUT", "/tokens")).details["status"] == 405


def test_an_answer_that_this_client_does_not_understand(newer: Newer) -> None:
    error = refused(newer, lambda: newer.transport.value(LaterView, "GET", "/whoami"))
    assert isinstance(error, CoordinatorError)
    assert newer.transport.value(TokenView, "GET", "/whoami").scope == "admin"


def test_between_equal_versions_and_other_programs_nothing_is_said_of_versions(small_doors: Doors) -> None:
    for version in (None, __version__, "", "x" * 100, "'; drop"):
        headers = {**small_doors.headers(), **({} if version is None else {"Farm-Version": version})}
        answer = httpx.post(f"{small_doors.url}{API}/tokens", headers=headers, json={"colour": "red"})
        assert answer.status_code == 422
        assert "version" not in answer.text
        assert answer.headers["Farm-Version"] == __version__
