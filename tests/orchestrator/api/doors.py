"""A coordinator's application on a real database, behind a real socket."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette

from farm.protocol.codec import loads, to_json
from farm.protocol.facts import DeviceFacts
from farm.protocol.states import Role, Scope
from farm.protocol.work import Enrolment
from orchestrator.api.app import make_app, stop_holding
from orchestrator.api.server import FarmServer, listen, make_server_config
from orchestrator.pages.routes import error_page, page_routes
from orchestrator.services import tokens
from orchestrator.services.context import Context
from tests.support.coordinator import Coordinator, MovingClock, coordinator

FACTS = Path(__file__).parents[2] / "data" / "facts"
API = "/api/v1"


def facts(name: str) -> DeviceFacts:
    """The recorded facts of a real machine."""
    return loads(DeviceFacts, (FACTS / f"{name}.json").read_text())


def enrolment(name: str, of: str = "rtx4090") -> Enrolment:
    return Enrolment(name, facts(of), (Role.HOST, Role.DEVICE), ("gpu0", "cpu0"))


class Served:
    """An application behind a real socket, in a thread."""

    def __init__(self, app: Starlette) -> None:
        listening = listen("127.0.0.1", 0)
        ready = threading.Event()
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        self._server = FarmServer(make_server_config(app), lambda _port: ready.set(), lambda: stop_holding(app))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]}, name="served")
        self._thread.start()
        assert ready.wait(10), "the server does not serve"

    def stop(self) -> None:
        """End it as SIGTERM does; may be called twice."""
        self._server.should_exit = True
        self._thread.join(20)
        assert not self._thread.is_alive(), "the server does not stop"


@dataclass
class Doors:
    """The application, the coordinator below it, and where it is served."""

    farm: Coordinator
    app: Starlette
    server: Served

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def context(self) -> Context:
        return self.farm.context

    @property
    def clock(self) -> MovingClock:
        return self.farm.clock

    def secret(self, scope: Scope = Scope.ADMIN, **options: Any) -> str:
        """A new token with this scope."""
        return tokens.create(self.context, options.pop("name", f"a-{scope}"), scope, **options).secret

    def headers(self, scope: Scope = Scope.ADMIN, **options: Any) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret(scope, **options)}"}

    @contextmanager
    def client(self, scope: Scope | None = Scope.ADMIN, **options: Any) -> Iterator[httpx.Client]:
        """Asks with a new token of this scope, or without one."""
        headers = self.headers(scope, **options) if scope else {}
        with httpx.Client(base_url=self.url, headers=headers, timeout=30.0) as client:
            yield client


@contextmanager
def opened(folder: Path, database_url: str) -> Iterator[Doors]:
    """Doors over a database and a folder, closed at the end."""
    with coordinator(database_url, folder) as farm:
        app = make_app(farm.context, page_routes(), error_page)
        server = Served(app)
        try:
            yield Doors(farm, app, server)
        finally:
            server.stop()


def enrol(client: httpx.Client, name: str, of: str = "rtx4090", **changed: Any) -> httpx.Response:
    """The answer to a worker that introduces itself."""
    return client.post(f"{API}/enrol", json=to_json(replace(enrolment(name, of), **changed)))
