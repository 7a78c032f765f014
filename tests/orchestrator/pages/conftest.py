from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from farm.protocol.states import Scope
from tests.orchestrator.api.doors import Doors, opened

Visitor = Callable[[Scope], httpx.Client]


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    """One coordinator with its pages for the tests of a module."""
    folder = tmp_path_factory.mktemp("doors")
    with opened(folder / "data", f"sqlite:///{folder}/farm.db") as made:
        yield made


@pytest.fixture
def visitor(doors: Doors) -> Iterator[Visitor]:
    """Makes browsers that signed in by the form, with a new token of a scope."""
    opened_here: list[httpx.Client] = []

    def signed_in(scope: Scope = Scope.ADMIN) -> httpx.Client:
        client = httpx.Client(base_url=doors.url, headers={"Accept": "text/html"}, timeout=30.0)
        opened_here.append(client)
        assert client.post("/sign-in", data={"token": doors.secret(scope)}).status_code == 303
        return client

    yield signed_in
    for client in opened_here:
        client.close()
