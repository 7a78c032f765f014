"""A name that moves to another model: what was built of the model before is never handed out silently."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from farm.protocol.codec import from_json, to_json
from farm.protocol.states import Scope
from farm.protocol.views import EngineDetail
from tests.farm_live.live import Live
from tests.support.coordinator import cpu_facts

from .doors import API, Doors
from .worker import Worker, submitted

FIRST, SECOND = b"the model of Monday", b"the model of Tuesday"


class Moved:
    """The name `net` has an engine of its first model, and points at a second one that has none yet."""

    def __init__(self, doors: Doors, stack: ExitStack) -> None:
        self.user = stack.enter_context(doors.client(Scope.SUBMIT))
        self.reader = stack.enter_context(doors.client(Scope.FETCH))
        self.worker = Worker(stack.enter_context(doors.client(Scope.WORKER)), doors)
        self.first = submitted(self.user, FIRST)["model"]
        (self.old,) = self.worker.serve()
        assert self.fetch().json()["engine"] == self.old
        self.second = submitted(self.user, SECOND)["model"]

    def fetch(self, **changed: Any) -> Any:
        """The answer to a device that asks for the name."""
        return self.reader.post(f"{API}/fetch", json={"name": "net", "facts": to_json(cpu_facts()), **changed})

    def shown(self, engine: str) -> EngineDetail:
        return from_json(EngineDetail, self.reader.get(f"{API}/engines/{engine}").json())


@pytest.fixture
def moved(doors: Doors) -> Iterator[Moved]:
    with ExitStack() as stack:
        yield Moved(doors, stack)


def test_the_old_engine_is_refused_with_how_to_get_it(moved: Moved) -> None:
    refused = moved.fetch()
    error = refused.json()["error"]
    assert (refused.status_code, error["code"], error["details"]["considered"]) == (404, "no_engine", [])
    assert error["message"].startswith("there is no engine of net as it is now")
    assert f"--model {moved.first}" in error["hint"]
    assert moved.fetch(model=moved.first).json()["engine"] == moved.old


def test_lists_and_details_call_the_old_engine_old(moved: Moved) -> None:
    assert moved.shown(moved.old).engine.current is False
    told = moved.reader.get(f"{API}/models/net").json()
    assert (told["model"], told["earlier"]) == (moved.second, [moved.first])
    (new,) = moved.worker.serve()
    listed = moved.reader.get(f"{API}/engines", params={"model": "net"}).json()["engines"]
    assert {item["id"]: item["current"] for item in listed} == {moved.old: False, new: True}


def test_the_new_engine_takes_the_name_and_a_step_back_gives_the_old_one_again(moved: Moved) -> None:
    (new,) = moved.worker.serve()
    assert moved.fetch().json()["engine"] == new
    assert moved.shown(new).engine.current is True
    back = submitted(moved.user, FIRST)
    assert (back["builds"][0]["state"], back["builds"][0]["engine"]) == ("cached", moved.old)
    assert moved.fetch().json()["engine"] == moved.old


def test_one_model_under_two_names_moves_under_one(moved: Moved) -> None:
    submitted(moved.user, FIRST, name="other")
    assert moved.fetch(name="other").json()["engine"] == moved.old
    assert moved.fetch().status_code == 404


def test_a_name_whose_model_never_had_an_engine_offers_none(moved: Moved) -> None:
    submitted(moved.user, b"a model of its own", name="fresh")
    error = moved.fetch(name="fresh").json()["error"]
    assert error["message"] == "there is no engine of fresh"
    assert "--model" not in error["hint"]


def test_the_command_says_the_same(moved: Moved, doors: Doors, tmp_path: Path) -> None:
    farm = Live(doors.url, doors.secret(Scope.ADMIN), tmp_path)
    told = farm("fetch", "net", "--device", "box", "-o", tmp_path / "engine")
    assert (told.code, told.out, (tmp_path / "engine").exists()) == (4, "", False)
    assert told.err.startswith("error: there is no engine of net as it is now")
    shown = farm("engines", "show", moved.old)
    assert "net points at another model now" in shown.out
    assert "net (older)" in farm("engines", "list").out
    taken = farm.json("fetch", "net", "--device", "box", "--model", moved.first, "-o", tmp_path / "engine")
    assert (taken["engine"], taken["model"]) == (moved.old, moved.first)
    moved.worker.serve()
    assert "net (older)" in farm("engines", "list").out
    replaced = farm.json("fetch", "net", "--device", "box", "-o", tmp_path / "engine")
    assert (replaced["model"], replaced["cached"]) == (moved.second, False)
