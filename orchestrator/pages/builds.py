"""Builds: what runs and what ran, why it ended, and an operator's hand on it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from farm.protocol.errors import Invalid
from farm.protocol.states import State
from farm.protocol.views import BuildView
from orchestrator.api.scopes import READERS, SUBMITTERS
from orchestrator.services import build_story, build_views, cancelling, repeating
from orchestrator.services.build_views import BuildListing
from orchestrator.services.progress import topic
from orchestrator.services.signals import EVENTS

from .live import Live
from .log_part import KEPT_BYTES, follow_log, shown_log
from .routing import Pages, Visit

pages = Pages()

_MOST = 50


@dataclass(frozen=True)
class BuildsQuery:
    """Which builds, as the address says it; `before` is a moment, for what is older than a list that was seen."""

    model: str = ""
    target: str = ""
    device: str = ""
    state: State | None = None
    before: str = ""

    def address(self, **changed: Any) -> str:
        """This query from the newest on, with some of it changed, as the query string of an address."""
        told = {**asdict(self), "before": "", **changed}
        return urlencode({name: str(value) for name, value in told.items() if value})

    @property
    def listing(self) -> BuildListing:
        """What the service looks for; the target is looked up by itself."""
        return BuildListing(
            state=self.state, model=self.model or None, device=self.device or None, before=_moment(self.before)
        )


@dataclass(frozen=True)
class LogQuery:
    """Which log, and from which byte on."""

    attempt: str
    after: int = 0


@pages.get("/builds", READERS, query=BuildsQuery)
def show_builds(visit: Visit[BuildsQuery]) -> Response:
    """Every build."""
    return visit.page("builds.html", **_listed(visit))


@pages.get("/builds/live", READERS, query=BuildsQuery)
def follow_builds(visit: Visit[BuildsQuery]) -> Response:
    """The list of builds as it changes."""
    return Live(visit, lambda seen: seen.fragment("builds_board.html", **_listed(seen)), (EVENTS, topic())).response()


@pages.get("/builds/{id}", READERS)
def show_build(visit: Visit[None]) -> Response:
    """One build with its stages and its log."""
    values = _told(visit)
    attempts = values["story"].attempts
    log = shown_log(visit.context, attempts[-1].id) if attempts else None
    return visit.page("build.html", **{**values, "log": log})


@pages.get("/builds/{id}/live", READERS)
def follow_build(visit: Visit[None]) -> Response:
    """One build as it goes on."""
    build = visit.path["id"]
    return Live(
        visit, lambda seen: seen.fragment("build_story.html", **_told(seen)), (EVENTS, topic(build=build))
    ).response()


@pages.get("/builds/{id}/log", READERS, query=LogQuery)
def follow_build_log(visit: Visit[LogQuery]) -> Response:
    """The log of an attempt as it grows."""
    return follow_log(visit, visit.query.attempt, visit.query.after)


@pages.post("/builds/{id}/cancel", SUBMITTERS)
def cancel_build(visit: Visit[None]) -> Response:
    """Cancel every request that wants a build."""
    build = visit.path["id"]
    cancelling.cancel_build(visit.context, build, f"cancelled by {visit.caller.name}")
    return visit.done("Cancelled: its device stops within two seconds.", f"/builds/{build}")


@pages.post("/builds/{id}/repeat", SUBMITTERS)
def repeat_build(visit: Visit[None]) -> Response:
    """Submit again what a build was for."""
    made = repeating.repeat(visit.context, visit.path["id"], visit.caller).builds[0].build
    return visit.moved(f"/builds/{made}" if made else "/builds")


def _listed(visit: Visit[BuildsQuery]) -> dict[str, Any]:
    query = visit.query
    found = build_views.find(visit.context, query.listing, query.target or None, _MOST + 1)
    shown: tuple[BuildView, ...] = found[:_MOST]
    return {
        "builds": shown,
        "query": query,
        "now": visit.context.clock(),
        "older": query.address(before=shown[-1].created_at) if len(found) > _MOST else None,
    }


def _told(visit: Visit[Any]) -> dict[str, Any]:
    return {
        "story": build_story.told(visit.context, visit.path["id"]),
        "log": None,
        "kept_bytes": KEPT_BYTES,
        "now": visit.context.clock(),
        "may_submit": visit.caller.may(*SUBMITTERS),
    }


def _moment(text: str) -> float | None:
    if not text:
        return None
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        raise Invalid(f"{text[:40]!r} is not a moment", "Go back to the newest builds.") from None
