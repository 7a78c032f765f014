"""The devices: how they are, what they do, and an operator's hand on them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from farm.protocol.states import DeviceState
from orchestrator.api.scopes import ADMINS, READERS
from orchestrator.services import fleet, roster
from orchestrator.services.progress import topic
from orchestrator.services.roster import Wanted
from orchestrator.services.signals import EVENTS

from .live import Live
from .paging import Span
from .routing import Pages, Visit

pages = Pages()


@dataclass(frozen=True)
class FleetQuery:
    """Which devices, as the address says it."""

    text: str = ""
    state: DeviceState | None = None
    backend: str = ""
    page: int = 1

    def address(self, **changed: Any) -> str:
        """This query with some of it changed, as the query string of an address."""
        told = {**asdict(self), "page": 1, **changed}
        kept = {name: str(value) for name, value in told.items() if value and (name, value) != ("page", 1)}
        return urlencode(kept)


@pages.get("/fleet", READERS, query=FleetQuery)
def show_fleet(visit: Visit[FleetQuery]) -> Response:
    """Every device of the farm."""
    return visit.page("fleet.html", **_listed(visit))


@pages.get("/fleet/live", READERS, query=FleetQuery)
def follow_fleet(visit: Visit[FleetQuery]) -> Response:
    """The list of devices as it changes."""
    return Live(visit, _board, (EVENTS, topic())).response()


@pages.post("/fleet/{name}/drain", ADMINS)
def drain_device(visit: Visit[None]) -> Response:
    """Let a device finish what runs and claim no more."""
    name = fleet.drain(visit.context, visit.path["name"], True).name
    return visit.done(f"{name} drains: it ends what it works on and takes nothing new.", "/fleet")


@pages.post("/fleet/{name}/undrain", ADMINS)
def undrain_device(visit: Visit[None]) -> Response:
    """Let a device claim again."""
    name = fleet.drain(visit.context, visit.path["name"], False).name
    return visit.done(f"{name} takes work again.", "/fleet")


def _board(visit: Visit[FleetQuery]) -> str:
    return visit.fragment("fleet_board.html", **_listed(visit))


def _listed(visit: Visit[FleetQuery]) -> dict[str, Any]:
    query = visit.query
    span = Span(query.page)
    shown = roster.listed(visit.context, Wanted(query.text, query.state, query.backend, span.first, span.size))
    return {
        "roster": shown,
        "query": query,
        "span": span.over(shown.matching),
        "now": visit.context.clock(),
        "may_drain": visit.caller.may(*ADMINS),
    }
