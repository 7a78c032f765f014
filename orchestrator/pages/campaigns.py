"""Upgrade campaigns: where each stands, its engines beside those they are to replace, and the decision about it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from farm.protocol.campaigns import CampaignDetail, CampaignState
from orchestrator.api.scopes import ADMINS, SUBMITTERS
from orchestrator.rules.campaigns import MOVES
from orchestrator.services.campaigns import deciding, views
from orchestrator.services.signals import EVENTS

from .live import Live
from .routing import Pages, Visit

pages = Pages()

_MOST = 200


@pages.get("/campaigns", SUBMITTERS)
def show_campaigns(visit: Visit[None]) -> Response:
    """Every campaign."""
    return visit.page("campaigns.html", **_listed(visit))


@pages.get("/campaigns/live", SUBMITTERS)
def follow_campaigns(visit: Visit[None]) -> Response:
    """The list of campaigns as it changes."""
    return Live(visit, lambda seen: seen.fragment("campaigns_board.html", **_listed(seen)), (EVENTS,)).response()


@pages.get("/campaigns/{id}", SUBMITTERS)
def show_campaign(visit: Visit[None]) -> Response:
    """One campaign with its engines."""
    return visit.page("campaign.html", **_told(visit))


@pages.get("/campaigns/{id}/live", SUBMITTERS)
def follow_campaign(visit: Visit[None]) -> Response:
    """One campaign as it changes."""
    return Live(visit, lambda seen: seen.fragment("campaign_story.html", **_told(seen)), (EVENTS,)).response()


@pages.post("/campaigns/{id}/promote", ADMINS)
def promote_campaign(visit: Visit[None]) -> Response:
    """Promote a campaign."""
    return _decided(visit, deciding.promote(visit.context, visit.caller, visit.path["id"]))


@pages.post("/campaigns/{id}/promote-anyway", ADMINS)
def promote_campaign_anyway(visit: Visit[None]) -> Response:
    """Promote a campaign, whatever stands against it."""
    return _decided(visit, deciding.promote(visit.context, visit.caller, visit.path["id"], force=True))


@pages.post("/campaigns/{id}/hold", SUBMITTERS)
def hold_campaign(visit: Visit[None]) -> Response:
    """Hold a campaign."""
    return _decided(visit, deciding.hold(visit.context, visit.caller, visit.path["id"]))


@pages.post("/campaigns/{id}/retry", SUBMITTERS)
def retry_campaign(visit: Visit[None]) -> Response:
    """Build again what stands against promoting a campaign."""
    return _decided(visit, deciding.retry(visit.context, visit.caller, visit.path["id"]))


@pages.post("/campaigns/{id}/rollback", ADMINS)
def roll_back_campaign(visit: Visit[None]) -> Response:
    """Roll a campaign back."""
    return _decided(visit, deciding.roll_back(visit.context, visit.caller, visit.path["id"]))


@pages.post("/campaigns/{id}/close", ADMINS)
def close_campaign(visit: Visit[None]) -> Response:
    """Close a promoted campaign."""
    return _decided(visit, deciding.close(visit.context, visit.caller, visit.path["id"]))


def _decided(visit: Visit[None], detail: CampaignDetail) -> Response:
    view = detail.campaign
    return visit.done(f"{view.id} is {str(view.state).replace('_', ' ')}.", f"/campaigns/{quote(view.id)}")


def _listed(visit: Visit[None]) -> dict[str, Any]:
    return {"campaigns": views.every(visit.context, _MOST), "now": visit.context.clock()}


def _told(visit: Visit[None]) -> dict[str, Any]:
    detail = views.show(visit.context, visit.path["id"])
    return {
        "campaign": detail.campaign,
        "items": detail.items,
        "deeds": _deeds(visit, detail),
        "over": not MOVES[detail.campaign.state],
        "now": visit.context.clock(),
    }


def _deeds(visit: Visit[None], detail: CampaignDetail) -> list[tuple[str, str]]:
    """What this visitor may do with a campaign now: the end of an address, and the word on its button."""
    state, built = detail.campaign.state, detail.exit_code is not None
    bad = any(item.problem for item in detail.items)
    may = MOVES[state]
    offered = []
    if visit.caller.may(*ADMINS):
        if CampaignState.PROMOTED in may and built:
            offered.append(("promote-anyway", "Promote anyway") if bad else ("promote", "Promote"))
        if CampaignState.CLOSED in may:
            offered.append(("close", "Close"))
        if CampaignState.ROLLED_BACK in may:
            offered.append(("rollback", "Roll back"))
    if CampaignState.HELD in may:
        offered.append(("hold", "Hold"))
    if bad and (CampaignState.RUNNING in may or state is CampaignState.RUNNING):
        offered.append(("retry", "Build again"))
    return offered
