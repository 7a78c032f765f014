"""One device: what was measured there, what it builds for, what it did."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from orchestrator.api.scopes import ADMINS, READERS
from orchestrator.services import build_views, roster
from orchestrator.services.build_views import BuildListing
from orchestrator.services.progress import topic
from orchestrator.services.signals import EVENTS

from .live import Live
from .routing import Pages, Visit

pages = Pages()

_MOST_BUILDS = 10


@pages.get("/devices/{name}", READERS)
def show_device(visit: Visit[None]) -> Response:
    """One device."""
    return visit.page("device.html", **_told(visit))


@pages.get("/devices/{name}/live", READERS)
def follow_device(visit: Visit[None]) -> Response:
    """One device as it changes."""
    return Live(visit, lambda seen: seen.fragment("device_story.html", **_told(seen)), (EVENTS, topic())).response()


def _told(visit: Visit[Any]) -> dict[str, Any]:
    name = visit.path["name"]
    return {
        "entry": roster.entry(visit.context, name),
        "builds": build_views.find(visit.context, BuildListing(device=name), None, _MOST_BUILDS),
        "now": visit.context.clock(),
        "may_drain": visit.caller.may(*ADMINS),
    }
